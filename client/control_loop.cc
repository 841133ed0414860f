#include "foresight/control_loop.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "client/backoff_timer.h"
#include "client/late_actions.h"
#include "client/observation.h"
#include "client/pending_act.h"
#include "client/session_calls.h"
#include "foresight/reconnecting_stream.h"

namespace foresight {
namespace {

constexpr absl::Duration kLeastBudget = absl::Milliseconds(1);

std::vector<float> InitialAction(const ControlLoopOptions& options,
                                 size_t action_size) {
  if (!options.initial_action.empty()) return options.initial_action;
  return std::vector<float>(action_size, 0.0f);
}

int64_t& CounterOf(ActionSource source, ControlLoop::Stats& stats) {
  switch (source) {
    case ActionSource::kAnswer:
      return stats.in_time;
    case ActionSource::kInitial:
      return stats.initial;
    case ActionSource::kHeld:
      return stats.held;
    case ActionSource::kPlan:
      return stats.planned;
    case ActionSource::kCallback:
      break;
  }
  return stats.by_callback;
}

}  // namespace

// The loop's state, from one step to the next.
class ControlLoop::Steps {
 public:
  Steps(RemoteSession session, const ControlLoopOptions& options);

  Command StepUntil(absl::Span<const float> observation, SteadyTime deadline);
  absl::Status Reset(const ResetOptions& options);
  Stats stats() const;
  const ControlLoopOptions& options() const { return options_; }
  const RemoteSession& session() const { return session_; }

 private:
  void Ask(absl::Span<const float> observation, SteadyTime deadline);
  // Gives up the outstanding request if it is overdue.
  void GiveUpOverdue(SteadyTime now);
  // Processes the outstanding request's answer. Returns a status if the answer
  // ends this step; if the status is OK, `answer` is the step's answer.
  std::optional<absl::Status> Take(AnswerSlot::Answer& answer);
  Command InTimeCommand(const v1::ActResponse& answer);
  Command LateCommand(absl::Span<const float> observation, absl::Status status);

  const ControlLoopOptions options_;
  RemoteSession session_;
  SessionCalls& calls_;  // session_'s.
  LateActions late_actions_;
  BackoffTimer backoff_;
  Stats stats_;
  absl::Status last_error_;  // The reason for backoff_.
  int64_t step_ = 0;         // Counts from 1.
  std::optional<SteadyTime> late_since_;
  // The outstanding request, if any, with its step and its time.
  std::unique_ptr<PendingAct> asked_;
  int64_t asked_step_ = 0;
  SteadyTime asked_at_;
};

ControlLoop::Steps::Steps(RemoteSession session,
                          const ControlLoopOptions& options)
    : options_(options),
      session_(std::move(session)),
      calls_(CallsOf(session_)),
      late_actions_(
          options.late,
          InitialAction(options, session_.description().model().action_size()),
          options.callback),
      backoff_(options.backoff, options.seed) {}

ControlLoop::Command ControlLoop::Steps::StepUntil(
    absl::Span<const float> observation, SteadyTime deadline) {
  ++step_;
  const SteadyTime begin = SteadyNow();
  if (!late_since_.has_value()) late_since_ = begin;
  GiveUpOverdue(begin);
  while (true) {
    if (asked_ == nullptr) {
      const SteadyTime now = SteadyNow();
      const SteadyTime next = std::max(now, backoff_.next());
      if (next > now && next >= deadline) {
        return LateCommand(observation, last_error_);
      }
      if (asked_step_ == step_ && next >= deadline) break;
      std::this_thread::sleep_until(next);
      Ask(observation, deadline);
    }
    std::optional<AnswerSlot::Answer> answer = asked_->Await(deadline);
    if (!answer.has_value()) break;
    const std::optional<absl::Status> status = Take(*answer);
    if (!status.has_value()) continue;
    return status->ok() ? InTimeCommand(**answer)
                        : LateCommand(observation, *status);
  }
  return LateCommand(observation, absl::DeadlineExceededError(
                                      "no answer by the step's deadline"));
}

void ControlLoop::Steps::GiveUpOverdue(SteadyTime now) {
  // Without a stream, the call ends by itself.
  if (asked_ == nullptr || options_.stream == nullptr) return;
  if (Between(asked_at_, now) < options_.give_up_after) return;
  options_.stream->Renew(calls_.replica());
  calls_.Leave();
  asked_at_ = now;
}

void ControlLoop::Steps::Ask(absl::Span<const float> observation,
                             SteadyTime deadline) {
  asked_at_ = SteadyNow();
  asked_step_ = step_;
  const absl::Duration left =
      std::max(kLeastBudget, Between(asked_at_, deadline));
  ActOptions act;
  act.call.timeout = options_.give_up_after;
  act.budget = std::min(left, options_.budget.value_or(left));
  if (*act.budget == absl::InfiniteDuration()) act.budget.reset();
  act.plan_length = options_.plan_length;
  asked_ = calls_.Begin(observation, act, options_.stream);
}

std::optional<absl::Status> ControlLoop::Steps::Take(
    AnswerSlot::Answer& answer) {
  asked_ = nullptr;
  const bool current = asked_step_ == step_;
  switch (calls_.Finish(answer)) {
    case DecisionSequence::Next::kDone:
      backoff_.Succeed();
      late_actions_.TakeAnswer(*answer, asked_step_);
      if (current) return absl::OkStatus();
      ++stats_.late_answers;
      return std::nullopt;
    case DecisionSequence::Next::kAgain:
      return std::nullopt;
    case DecisionSequence::Next::kAlign:
      ++stats_.realigned;
      return std::nullopt;
    case DecisionSequence::Next::kLater:
      ++stats_.errors;
      last_error_ = answer.status();
      backoff_.Fail(last_error_, SteadyNow());
      return std::nullopt;
    case DecisionSequence::Next::kFail:
      break;
  }
  ++stats_.errors;
  // An error about an earlier step's observation need not hold for this one.
  if (!current) return std::nullopt;
  return answer.status();
}

ControlLoop::Command ControlLoop::Steps::InTimeCommand(
    const v1::ActResponse& answer) {
  ++stats_.in_time;
  late_since_.reset();
  const std::vector<float> action(answer.action().begin(),
                                  answer.action().end());
  late_actions_.TakeAction(action);
  return {action, ActionSource::kAnswer, answer.report(), absl::OkStatus()};
}

ControlLoop::Command ControlLoop::Steps::LateCommand(
    absl::Span<const float> observation, absl::Status status) {
  const absl::Duration late = Between(*late_since_, SteadyNow());
  LateActions::Choice choice = late_actions_.Choose(step_, observation, late);
  ++CounterOf(choice.source, stats_);
  late_actions_.TakeAction(choice.action);
  return {std::move(choice.action), choice.source, {}, std::move(status)};
}

absl::Status ControlLoop::Steps::Reset(const ResetOptions& options) {
  asked_ = nullptr;
  const absl::Status status = session_.Reset(options);
  if (!status.ok()) return status;
  late_actions_.Restart();
  late_since_.reset();
  return absl::OkStatus();
}

ControlLoop::Stats ControlLoop::Steps::stats() const {
  Stats stats = stats_;
  stats.stale_answers = session_.stale_answers();
  stats.lost_decisions = session_.lost_decisions();
  if (options_.stream != nullptr) {
    stats.reconnects = options_.stream->reconnects();
  }
  return stats;
}

absl::StatusOr<ControlLoop> ControlLoop::Create(
    RemoteSession session, const ControlLoopOptions& options) {
  const absl::Status status =
      Check(options, session.description().model().action_size());
  if (!status.ok()) return status;
  return ControlLoop(std::make_unique<Steps>(std::move(session), options));
}

ControlLoop::ControlLoop(std::unique_ptr<Steps> steps)
    : steps_(std::move(steps)) {}
ControlLoop::~ControlLoop() = default;
ControlLoop::ControlLoop(ControlLoop&&) noexcept = default;
ControlLoop& ControlLoop::operator=(ControlLoop&&) noexcept = default;

ControlLoop::Command ControlLoop::Step(absl::Span<const float> observation) {
  return StepUntil(observation, After(SteadyNow(), steps_->options().deadline));
}

ControlLoop::Command ControlLoop::Step(absl::Span<const double> observation) {
  return Step(ToFloat(observation));
}

ControlLoop::Command ControlLoop::StepUntil(absl::Span<const float> observation,
                                            SteadyTime deadline) {
  return steps_->StepUntil(observation, deadline);
}

ControlLoop::Command ControlLoop::StepUntil(
    absl::Span<const double> observation, SteadyTime deadline) {
  return StepUntil(ToFloat(observation), deadline);
}

absl::Status ControlLoop::Reset(const ResetOptions& options) {
  return steps_->Reset(options);
}

ControlLoop::Stats ControlLoop::stats() const { return steps_->stats(); }

const RemoteSession& ControlLoop::session() const { return steps_->session(); }

}  // namespace foresight
