#include "foresight/adaptation_client.h"

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "client/durations.h"
#include "client/replicas.h"
#include "client/retry.h"
#include "client/session_calls.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

// Spreads calls that belong to no session.
std::string AnyKey() {
  absl::BitGen random;
  return absl::StrCat(absl::Uniform<uint64_t>(random));
}

using Stub = v1::Adaptation::StubInterface;
using Repeat = Connection::Repeat;

// Calls `method` with `request` at the replica that `key` chooses, then at
// others; sets `replica` to the one that answered.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(const Replicas& replicas,
                              grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                           const Request&,
                                                           Response*),
                              const Request& request,
                              const CallOptions& options, Repeat repeat,
                              const std::string& key, int* replica) {
  const SteadyTime deadline = replicas.connection(0)->Deadline(options);
  CallOptions call = options;
  int avoided = -1;
  absl::StatusOr<Response> response = absl::UnknownError("not run");
  const absl::Status status = WithRetries(
      replicas.options().retry, deadline, call.cancellation,
      [&]() -> absl::Status {
        replicas.AwaitOne(deadline, call.cancellation);
        *replica = replicas.Choose(key, avoided);
        call.timeout = Between(SteadyNow(), deadline);
        response = replicas.connection(*replica)->Call(method, request, call,
                                                       Repeat::kHarmful);
        avoided = absl::IsUnavailable(response.status()) ? *replica : -1;
        // A server that answers DRAINING has not executed the call.
        const bool again = repeat == Repeat::kHarmless ||
                           (replicas.size() > 1 &&
                            ErrorReason(response.status()) == v1::DRAINING);
        return again ? response.status() : absl::OkStatus();
      });
  if (!status.ok()) return status;
  return response;
}

v1::OpenSessionRequest RequestOf(const SessionOptions& options) {
  v1::OpenSessionRequest request;
  request.set_model(options.model);
  *request.mutable_settings() = options.settings;
  if (options.seed.has_value()) request.set_seed(*options.seed);
  if (options.idle_timeout.has_value()) {
    *request.mutable_idle_timeout() = MessageOf(*options.idle_timeout);
  }
  request.set_session_id(options.session_id);
  return request;
}

}  // namespace

absl::StatusOr<AdaptationClient> AdaptationClient::Connect(
    const std::string& address, const Options& options) {
  auto replicas = Replicas::Open(address, options);
  if (!replicas.ok()) return replicas.status();
  return AdaptationClient(*std::move(replicas));
}

absl::StatusOr<std::vector<v1::Model>> AdaptationClient::ListModels(
    const CallOptions& call) const {
  int replica;
  const auto response =
      Call(*replicas_, &Stub::ListModels, v1::ListModelsRequest(), call,
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
  return Call(*replicas_, &Stub::GetModel, request, call, Repeat::kHarmless,
              AnyKey(), &replica);
}

absl::StatusOr<RemoteSession> AdaptationClient::OpenSession(
    const SessionOptions& options, const CallOptions& call) const {
  const std::string& id = options.session_id;
  int replica;
  auto session = Call(*replicas_, &Stub::OpenSession, RequestOf(options), call,
                      id.empty() ? Repeat::kHarmless : Repeat::kHarmful,
                      id.empty() ? AnyKey() : id, &replica);
  if (!session.ok()) return session.status();
  return RemoteSession(
      std::make_unique<SessionCalls>(replicas_, replica, *std::move(session)));
}

absl::StatusOr<v1::ActResponse> AdaptationClient::Act(
    const v1::ActRequest& request, const CallOptions& call) const {
  int replica;
  return Call(*replicas_, &Stub::Act, request, call, Repeat::kHarmless,
              AnyKey(), &replica);
}

int AdaptationClient::replicas() const { return replicas_->size(); }

std::unique_ptr<ControlStream> AdaptationClient::OpenControlStream(
    int replica) const {
  return std::make_unique<ControlStream>(replicas_->connection(replica));
}

std::unique_ptr<ReconnectingStream> AdaptationClient::OpenReconnectingStream(
    const ReconnectingStream::Options& options) const {
  return std::make_unique<ReconnectingStream>(replicas_, options);
}

}  // namespace foresight
