#include "client/adaptation_client.h"

namespace foresight {

using Stub = v1::Adaptation::StubInterface;
using Repeat = Connection::Repeat;

absl::StatusOr<AdaptationClient> AdaptationClient::Connect(
    const std::string& address, const Options& options) {
  auto connection = Connection::Open(address, options);
  if (!connection.ok()) return connection.status();
  return AdaptationClient(*std::move(connection));
}

absl::StatusOr<std::vector<v1::Model>> AdaptationClient::ListModels(
    const CallOptions& call) const {
  const auto response = connection_->Call(
      &Stub::ListModels, v1::ListModelsRequest(), call, Repeat::kHarmless);
  if (!response.ok()) return response.status();
  return std::vector<v1::Model>(response->models().begin(),
                                response->models().end());
}

absl::StatusOr<v1::Model> AdaptationClient::GetModel(
    const std::string& name, const CallOptions& call) const {
  v1::GetModelRequest request;
  request.set_name(name);
  return connection_->Call(&Stub::GetModel, request, call, Repeat::kHarmless);
}

absl::StatusOr<std::unique_ptr<RemoteSession>> AdaptationClient::OpenSession(
    const v1::OpenSessionRequest& request, const CallOptions& call) const {
  auto session = connection_->Call(
      &Stub::OpenSession, request, call,
      request.session_id().empty() ? Repeat::kHarmless : Repeat::kHarmful);
  if (!session.ok()) return session.status();
  return std::make_unique<RemoteSession>(connection_, *std::move(session));
}

absl::StatusOr<v1::ActResponse> AdaptationClient::Act(
    const v1::ActRequest& request, const CallOptions& call) const {
  return connection_->Call(&Stub::Act, request, call, Repeat::kHarmless);
}

std::unique_ptr<ControlStream> AdaptationClient::OpenControlStream() const {
  return std::make_unique<ControlStream>(connection_);
}

std::unique_ptr<ReconnectingStream> AdaptationClient::OpenReconnectingStream(
    const ReconnectingStream::Options& options) const {
  return std::make_unique<ReconnectingStream>(connection_, options);
}

}  // namespace foresight
