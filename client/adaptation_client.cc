#include "client/adaptation_client.h"

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "client/call_error.h"
#include "client/retry.h"

namespace foresight {
namespace {

// Spreads what belongs to no session.
std::string AnyKey() {
  absl::BitGen random;
  return absl::StrCat(absl::Uniform<uint64_t>(random));
}

}  // namespace

using Stub = v1::Adaptation::StubInterface;
using Repeat = Connection::Repeat;

absl::StatusOr<AdaptationClient> AdaptationClient::Connect(
    const std::string& address, const Options& options) {
  auto replicas = Replicas::Open(address, options);
  if (!replicas.ok()) return replicas.status();
  return AdaptationClient(*std::move(replicas));
}

template <typename Request, typename Response>
absl::StatusOr<Response> AdaptationClient::Call(
    grpc::Status (v1::Adaptation::StubInterface::*method)(grpc::ClientContext*,
                                                          const Request&,
                                                          Response*),
    const Request& request, const CallOptions& options, Repeat repeat,
    const std::string& key, int* replica) const {
  const SteadyTime deadline = replicas_->connection(0)->Deadline(options);
  CallOptions call = options;
  int avoided = -1;
  absl::StatusOr<Response> response = absl::UnknownError("not run");
  const absl::Status status = WithRetries(
      replicas_->options().retry, deadline, call.cancellation,
      [&]() -> absl::Status {
        replicas_->AwaitOne(deadline, call.cancellation);
        *replica = replicas_->Choose(key, avoided);
        call.timeout = Between(SteadyNow(), deadline);
        response = replicas_->connection(*replica)->Call(method, request, call,
                                                         Repeat::kHarmful);
        avoided = absl::IsUnavailable(response.status()) ? *replica : -1;
        // A server that ends has done nothing.
        const bool again = repeat == Repeat::kHarmless ||
                           (replicas_->size() > 1 &&
                            ErrorReason(response.status()) == "DRAINING");
        return again ? response.status() : absl::OkStatus();
      });
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<std::vector<v1::Model>> AdaptationClient::ListModels(
    const CallOptions& call) const {
  int replica;
  const auto response = Call(&Stub::ListModels, v1::ListModelsRequest(), call,
                             Repeat::kHarmless, AnyKey(), &replica);
  if (!response.ok()) return response.status();
  return std::vector<v1::Model>(response->models().begin(),
                                response->models().end());
}

absl::StatusOr<v1::Model> AdaptationClient::GetModel(
    const std::string& name, const CallOptions& call) const {
  v1::GetModelRequest request;
  request.set_name(name);
  int replica;
  return Call(&Stub::GetModel, request, call, Repeat::kHarmless, AnyKey(),
              &replica);
}

absl::StatusOr<std::unique_ptr<RemoteSession>> AdaptationClient::OpenSession(
    const v1::OpenSessionRequest& request, const CallOptions& call) const {
  const std::string& id = request.session_id();
  int replica;
  auto session = Call(&Stub::OpenSession, request, call,
                      id.empty() ? Repeat::kHarmless : Repeat::kHarmful,
                      id.empty() ? AnyKey() : id, &replica);
  if (!session.ok()) return session.status();
  return std::make_unique<RemoteSession>(replicas_, replica,
                                         *std::move(session));
}

absl::StatusOr<v1::ActResponse> AdaptationClient::Act(
    const v1::ActRequest& request, const CallOptions& call) const {
  int replica;
  return Call(&Stub::Act, request, call, Repeat::kHarmless, AnyKey(), &replica);
}

std::unique_ptr<ControlStream> AdaptationClient::OpenControlStream(
    int replica) const {
  return std::make_unique<ControlStream>(replicas_->connection(replica));
}

std::unique_ptr<ReconnectingStream> AdaptationClient::OpenReconnectingStream(
    const ReconnectingStream::Options& options) const {
  return std::make_unique<ReconnectingStream>(replicas_, options);
}

}  // namespace foresight
