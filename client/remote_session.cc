#include "client/remote_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

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

RemoteSession::RemoteSession(std::shared_ptr<const Connection> connection,
                             v1::Session description)
    : connection_(std::move(connection)),
      description_(std::move(description)),
      decisions_(description_) {}

RemoteSession::~RemoteSession() {
  CallOptions call;
  call.timeout =
      std::min(absl::Seconds(1), connection_->options().call_timeout);
  Close(call).IgnoreError();
}

absl::StatusOr<v1::ActResponse> RemoteSession::Act(
    absl::Span<const float> observation, const ActOptions& options) {
  const SteadyTime deadline = connection_->Deadline(options.call);
  v1::ActRequest request =
      MakeRequest(id(), decisions_.epoch(), observation, options);
  while (true) {
    request.set_decision_index(decisions_.next());
    auto response = Decide(request, options, deadline);
    // Repeat: the decision whose answer was lost had been made, for a past
    // observation. This request is for the next one.
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
  const absl::Status status = WithRetries(
      connection_->options().retry, deadline, call.cancellation, [&] {
        call.timeout = Between(SteadyNow(), deadline);
        response = decisions_.RefuseStale(
            options.stream != nullptr
                ? options.stream->Act(request, call)
                : connection_->Call(&Stub::Act, request, call,
                                    Repeat::kHarmful));
        // Retrying on a broken stream is useless: it stays broken.
        return options.stream != nullptr && options.stream->broken()
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
  if (stream != nullptr && index.has_value()) {
    return PendingAct::Send(*stream, request);
  }
  return PendingAct::Call(
      connection_, request,
      options.call.timeout.value_or(connection_->options().call_timeout));
}

DecisionSequence::Next RemoteSession::Finish(
    absl::StatusOr<v1::ActResponse>& answer) {
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
  auto session = connection_->Call(&Stub::ResetSession, request, options.call,
                                   Repeat::kHarmless);
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
      connection_->Call(&Stub::CloseSession, request, call, Repeat::kHarmful)
          .status();
  closed_ = status.ok() || status.code() == absl::StatusCode::kNotFound;
  return status;
}

}  // namespace foresight
