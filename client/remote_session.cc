#include "client/remote_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/call_error.h"

namespace foresight {
namespace {

using Stub = v1::Adaptation::StubInterface;
using Repeat = Connection::Repeat;

v1::ActRequest MakeRequest(const std::string& session, uint64_t epoch,
                           absl::Span<const float> observation,
                           const ActOptions& options) {
  v1::ActRequest request;
  request.set_session_id(session);
  request.set_epoch(epoch);
  request.set_plan_length(options.plan_length);
  request.mutable_observation()->Add(observation.begin(), observation.end());
  request.set_report_objective_after(options.report_objective_after);
  if (options.budget.has_value()) {
    absl::Duration rest;
    const int64_t seconds =
        absl::IDivDuration(*options.budget, absl::Seconds(1), &rest);
    request.mutable_budget()->set_seconds(seconds);
    request.mutable_budget()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  }
  return request;
}

}  // namespace

RemoteSession::RemoteSession(std::shared_ptr<const Replicas> replicas,
                             int replica, v1::Session description)
    : replicas_(std::move(replicas)),
      description_(std::move(description)),
      decisions_(description_),
      replica_(replica) {}

RemoteSession::~RemoteSession() {
  CallOptions call;
  call.timeout = std::min(absl::Seconds(1), replicas_->options().call_timeout);
  Close(call).IgnoreError();
}

int RemoteSession::Place() {
  if (replicas_->size() == 1) return 0;
  if (leaving_ || !replicas_->connection(replica_)->ready()) {
    const int next = replicas_->Choose(id(), replica_);
    // Where no other one serves either, the session stays.
    if (replicas_->connection(next)->ready()) replica_ = next;
    leaving_ = false;
  }
  return replica_;
}

void RemoteSession::Learn(const absl::Status& status) {
  if (replicas_->size() == 1) return;
  const std::string reason = ErrorReason(status);
  // The server itself has not answered, or says that it ends.
  leaving_ = reason == "DRAINING" ||
             (reason.empty() && (absl::IsUnavailable(status) ||
                                 absl::IsDeadlineExceeded(status)));
}

template <typename Request, typename Response>
absl::StatusOr<Response> RemoteSession::Call(
    grpc::Status (v1::Adaptation::StubInterface::*method)(grpc::ClientContext*,
                                                          const Request&,
                                                          Response*),
    const Request& request, const CallOptions& options,
    Connection::Repeat repeat) {
  RetryPolicy policy = replicas_->options().retry;
  if (repeat == Repeat::kHarmful) {
    policy.max_attempts = replicas_->size() > 1 ? 2 : 1;
  }
  const SteadyTime deadline =
      replicas_->connection(replica_)->Deadline(options);
  CallOptions call = options;
  absl::StatusOr<Response> response = absl::UnknownError("not run");
  const absl::Status status =
      WithRetries(policy, deadline, call.cancellation, [&] {
        replicas_->AwaitOne(deadline, call.cancellation);
        call.timeout = Between(SteadyNow(), deadline);
        response = replicas_->connection(Place())->Call(method, request, call,
                                                        Repeat::kHarmful);
        Learn(response.status());
        return response.status();
      });
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ActResponse> RemoteSession::Act(
    absl::Span<const float> observation, const ActOptions& options) {
  const SteadyTime deadline =
      replicas_->connection(replica_)->Deadline(options.call);
  v1::ActRequest request =
      MakeRequest(id(), decisions_.epoch(), observation, options);
  while (true) {
    request.set_decision_index(decisions_.next());
    auto response = Decide(request, options, deadline);
    // Again: the decision whose answer was lost had been made, for an
    // observation that is past, and this is the one after it; or the server has
    // lost decisions, and this is the one that it goes on with.
    if (decisions_.Take(response) != DecisionSequence::Next::kAgain) {
      return response;
    }
  }
}

absl::StatusOr<v1::ActResponse> RemoteSession::Decide(
    const v1::ActRequest& request, const ActOptions& options,
    SteadyTime deadline) {
  CallOptions call = options.call;
  absl::StatusOr<v1::ActResponse> response = absl::UnknownError("not run");
  const absl::Status status =
      WithRetries(replicas_->options().retry, deadline, call.cancellation, [&] {
        if (options.stream == nullptr) {
          replicas_->AwaitOne(deadline, call.cancellation);
        }
        call.timeout = Between(SteadyNow(), deadline);
        response = options.stream != nullptr
                       ? options.stream->Act(request, call)
                       : replicas_->connection(Place())->Call(
                             &Stub::Act, request, call, Repeat::kHarmful);
        Learn(response.status());
        response = decisions_.RefuseStale(std::move(response));
        // A stream that broke stays broken, and one to a replica that is to be
        // left leads nowhere else: trying again on it is no use.
        return options.stream != nullptr &&
                       (options.stream->broken() || leaving_)
                   ? absl::OkStatus()
                   : response.status();
      });
  if (!status.ok()) return status;
  return response;
}

std::unique_ptr<PendingAct> RemoteSession::Begin(
    absl::Span<const float> observation, const ActOptions& options,
    ReconnectingStream* stream) {
  v1::ActRequest request =
      MakeRequest(id(), decisions_.epoch(), observation, options);
  const std::optional<uint64_t> index = decisions_.next_index();
  if (index.has_value()) request.set_decision_index(*index);
  const int replica = Place();
  if (stream != nullptr && index.has_value()) {
    return PendingAct::Send(*stream, request, replica);
  }
  return PendingAct::Call(
      replicas_->connection(replica), request,
      options.call.timeout.value_or(replicas_->options().call_timeout));
}

DecisionSequence::Next RemoteSession::Finish(
    absl::StatusOr<v1::ActResponse>& answer) {
  if (!leaving_) Learn(answer.status());
  answer = decisions_.RefuseStale(std::move(answer));
  const auto size = static_cast<int>(description_.model().action_size());
  if (answer.ok() && answer->action_size() != size) {
    answer = absl::InternalError(absl::StrCat(
        "the action has ", answer->action_size(), " values, expected ", size));
  }
  const DecisionSequence::Next next = decisions_.Take(answer);
  if (next == DecisionSequence::Next::kAlign) decisions_.AlignNext();
  return next;
}

absl::Status RemoteSession::Reset(const ResetOptions& options) {
  v1::ResetSessionRequest request;
  request.set_session_id(id());
  request.set_keep_policy(options.keep_policy);
  if (options.seed.has_value()) request.set_seed(*options.seed);
  auto session =
      Call(&Stub::ResetSession, request, options.call, Repeat::kHarmless);
  if (!session.ok()) return session.status();
  description_ = *std::move(session);
  decisions_.Restart(description_);
  return absl::OkStatus();
}

absl::Status RemoteSession::Close(const CallOptions& call) {
  if (closed_) return absl::OkStatus();
  v1::CloseSessionRequest request;
  request.set_session_id(id());
  // Not retried: after a close that worked a retry would give SESSION_UNKNOWN.
  // An unclosed session expires.
  const absl::Status status =
      Call(&Stub::CloseSession, request, call, Repeat::kHarmful).status();
  closed_ = status.ok() || status.code() == absl::StatusCode::kNotFound;
  return status;
}

}  // namespace foresight
