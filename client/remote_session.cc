#include "client/remote_session.h"

#include <algorithm>
#include <utility>

#include "client/call_error.h"

namespace foresight {
namespace {

using Stub = v1::Adaptation::StubInterface;
using Repeat = Connection::Repeat;

v1::ActRequest MakeRequest(const std::string& session,
                           absl::Span<const float> observation,
                           const ActOptions& options) {
  v1::ActRequest request;
  request.set_session_id(session);
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
      next_decision_(description_.next_decision()) {}

RemoteSession::~RemoteSession() {
  CallOptions call;
  call.timeout =
      std::min(absl::Seconds(1), connection_->options().call_timeout);
  Close(call).IgnoreError();
}

absl::StatusOr<v1::ActResponse> RemoteSession::Act(
    absl::Span<const float> observation, const ActOptions& options) {
  const SteadyTime deadline = connection_->Deadline(options.call);
  v1::ActRequest request = MakeRequest(id(), observation, options);
  request.set_decision_index(next_decision_);
  auto response = Decide(request, options, deadline);
  if (answer_lost_ && ErrorReason(response.status()) == "DECISION_CHANGED") {
    // The decision whose answer was lost had been made, for an observation
    // that is past: this is the one after it.
    request.set_decision_index(++next_decision_);
    response = Decide(request, options, deadline);
  }
  answer_lost_ = !response.ok();
  if (response.ok()) ++next_decision_;
  return response;
}

absl::StatusOr<v1::ActResponse> RemoteSession::Decide(
    const v1::ActRequest& request, const ActOptions& options,
    SteadyTime deadline) const {
  CallOptions call = options.call;
  call.timeout = Between(SteadyNow(), deadline);
  if (options.stream == nullptr) {
    return connection_->Call(&Stub::Act, request, call, Repeat::kHarmless);
  }
  absl::StatusOr<v1::ActResponse> response = absl::UnknownError("not run");
  const absl::Status status = WithRetries(
      connection_->options().retry, deadline, call.cancellation, [&] {
        call.timeout = Between(SteadyNow(), deadline);
        response = options.stream->Act(request, call);
        // A stream that broke stays broken: trying again on it is no use.
        return options.stream->broken() ? absl::OkStatus() : response.status();
      });
  if (!status.ok()) return status;
  return response;
}

absl::Status RemoteSession::Reset(std::optional<uint64_t> seed,
                                  const CallOptions& call) {
  v1::ResetSessionRequest request;
  request.set_session_id(id());
  if (seed.has_value()) request.set_seed(*seed);
  auto session =
      connection_->Call(&Stub::ResetSession, request, call, Repeat::kHarmless);
  if (!session.ok()) return session.status();
  description_ = *std::move(session);
  next_decision_ = description_.next_decision();
  answer_lost_ = false;
  return absl::OkStatus();
}

absl::Status RemoteSession::Close(const CallOptions& call) {
  if (closed_) return absl::OkStatus();
  v1::CloseSessionRequest request;
  request.set_session_id(id());
  // Once: a retry of a close that worked would say SESSION_UNKNOWN. What is
  // not closed expires.
  const absl::Status status =
      connection_->Call(&Stub::CloseSession, request, call, Repeat::kHarmful)
          .status();
  closed_ = status.ok() || status.code() == absl::StatusCode::kNotFound;
  return status;
}

}  // namespace foresight
