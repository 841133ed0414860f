#include "server/decisions/decision_maker.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "server/decisions/decision_errors.h"
#include "server/decisions/messages.h"
#include "server/decisions/request_checks.h"
#include "server/support/clock.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

using State = DecisionCall::State;

// A frozen answer that takes no longer than this is given on the thread that
// received the request, since handing it over would cost as much.
constexpr absl::Duration kShortAnswer = absl::Microseconds(500);

// An answer that is later than this is of no use to a control loop.
constexpr absl::Duration kStale = absl::Milliseconds(20);

// At most this fraction of a decision's time is reserved to store its answer.
constexpr double kMostForKeeping = 0.5;

// The accept guard's two evaluations are expected to take as long as this many
// steps.
constexpr int kGuardSteps = 2;

// A plan of `length` actions takes about as long as a one-particle step over as
// many transitions: it has no backward pass, but row by row it is slow.
absl::Duration PlanTime(const LoadedModel& model, AdaptationSettings settings,
                        int length) {
  if (length == 0) return absl::ZeroDuration();
  settings.horizon = length;
  settings.particles = 1;
  return model.StepTime(settings);
}

}  // namespace

DecisionMaker::DecisionMaker(Options options, RequestLimits limits, Parts parts)
    : options_(options),
      limits_(limits),
      parts_(parts),
      log_([scheduler = parts.scheduler] { return scheduler->now(); }),
      workers_(parts.scheduler) {
  for (int i = 0; i <= parts_.scheduler->lanes(); ++i) {
    lanes_.push_back(std::make_unique<DecisionLane>(
        parts_.scheduler, &workers_,
        [this](const Call& call) { Settle(call); }));
  }
  parts_.scheduler->Start(this);
}

void DecisionMaker::Start(const Call& call) {
  bool refused;
  {
    absl::MutexLock lock(&mutex_);
    calls_.insert(call);
    refused = refusing_;
  }
  parts_.metrics->decisions_in_flight.Increment();
  const absl::Status status = refused ? DrainingError() : Check(*call);
  if (!status.ok()) return Finish(call, status);
  Begin(call);
}

absl::Status DecisionMaker::Check(DecisionCall& call) const {
  const v1::ActRequest& request = call.request_;
  ASSIGN_OR_RETURN(const absl::Duration budget, CheckBudget(request));
  RETURN_IF_ERROR(CheckPlanLength(request));
  absl::Time deadline = std::min(call.deadline_, call.arrival_ + budget);
  call.due_ = deadline;
  if (deadline == absl::InfiniteFuture()) {
    deadline = call.arrival_ + limits_.max_decision_time;
  }
  const absl::Duration left =
      std::max(deadline - call.arrival_, absl::ZeroDuration());
  call.ready_by_ = deadline - std::min(options_.answer_margin, left / 10);
  if (request.session_id().empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckIdLength(request.session_id()));
  RETURN_IF_ERROR(CheckStatefulFields(request));
  return CheckFinite(request.observation());
}

void DecisionMaker::Begin(const Call& call) {
  if (!call->request_.session_id().empty()) return BeginInSession(call);
  const absl::Status status = BeginStateless(*call);
  if (!status.ok()) return Finish(call, status);
  Queue(call);
}

absl::Status DecisionMaker::BeginStateless(DecisionCall& call) {
  const v1::ActRequest& request = call.request_;
  DecisionCall::Work& work = call.work_;
  ASSIGN_OR_RETURN(work.model, parts_.models->Find(request.model()));
  ASSIGN_OR_RETURN(work.settings,
                   CheckSettings(request.settings(), *work.model->bundle,
                                 limits_.max_samples));
  RETURN_IF_ERROR(CheckObservation(request.observation(),
                                   work.model->bundle->observation_size()));
  RETURN_IF_ERROR(
      CheckStepTime(*work.model, work.settings, limits_.max_decision_time));
  work.seed = request.seed();
  work.decision = request.decision_index();
  return absl::OkStatus();
}

void DecisionMaker::BeginInSession(const Call& call) {
  const v1::ActRequest& request = call->request_;
  std::optional<uint64_t> index;
  if (request.has_decision_index()) index = request.decision_index();
  const auto resume = [this, call](auto answer) {
    if (!call->Leave(State::kAwaitingTwin, State::kChecking)) return;
    answer != nullptr ? Finish(call, std::move(answer)) : Begin(call);
  };
  // Until the call leaves this state, Interrupt may end it.
  call->state_ = State::kAwaitingTwin;
  auto admission = parts_.sessions->Begin(
      {request.session_id(), index, request.observation(), call->cancelled_,
       call->caller_.connection, call->caller_.identity,
       parts_.take_overs == nullptr ? 0 : request.epoch()},
      resume, now());
  if (admission.ok() &&
      std::holds_alternative<SessionStore::Waiting>(*admission)) {
    EndWaitInTime(call);
    // A cancellation that arrived before the wait began was missed.
    if (*call->cancelled_) {
      Interrupt(call, GoneError(call->ready_by_, now()));
    }
    return;
  }
  // If the call was interrupted, the lease's destructor gives the lease back.
  if (!call->Leave(State::kAwaitingTwin, State::kChecking)) return;
  if (!admission.ok()) {
    return MayBeElsewhere(*call, admission.status())
               ? TakeOver(call)
               : Finish(call, admission.status());
  }
  if (auto* lease = std::get_if<SessionLease>(&*admission)) {
    SessionState& session = lease->session();
    call->work_ = {session.model,         session.settings,  session.seed,
                   session.next_decision, std::move(*lease), nullptr};
    return Queue(call);
  }
  Finish(call, std::get<std::shared_ptr<const v1::ActResponse>>(
                   *std::move(admission)));
}

bool DecisionMaker::MayBeElsewhere(const DecisionCall& call,
                                   const absl::Status& why) const {
  if (parts_.take_overs == nullptr || call.sought_) return false;
  const std::string reason = ReasonName(why);
  return reason == "SESSION_UNKNOWN" || reason == "SESSION_MOVED" ||
         reason == "DECISION_SKIPPED" || reason == "DECISION_CHANGED";
}

void DecisionMaker::TakeOver(const Call& call) {
  call->sought_ = true;
  call->state_ = State::kAwaitingTwin;
  parts_.take_overs->Start(
      {call->caller_.identity, call->request_.session_id()},
      call->request_.epoch(), [this, call](const absl::Status& taken) {
        if (!call->Leave(State::kAwaitingTwin, State::kChecking)) return;
        taken.ok() ? Begin(call) : Finish(call, taken);
      });
  EndWaitInTime(call);
  // A cancellation that arrived before the wait began was missed.
  if (*call->cancelled_) Interrupt(call, GoneError(call->ready_by_, now()));
}

absl::Time DecisionMaker::StopTime(const DecisionCall& call) const {
  if (!call.work_.lease.held()) return call.ready_by_;  // Nothing to keep.
  const absl::Duration left =
      std::max(call.ready_by_ - now(), absl::ZeroDuration());
  return call.ready_by_ -
         std::min(parts_.keeper->ExpectedWait(), kMostForKeeping * left);
}

void DecisionMaker::PrepareProblem(DecisionCall& call) {
  DecisionCall::Work& work = call.work_;
  Problem& problem = call.problem_;
  if (!work.lease.held()) {
    work.own_parameters = work.model->engine->NewParameters();
  }
  problem.observation = call.request_.observation();
  problem.parameters = work.lease.held() ? work.lease.session().parameters.get()
                                         : work.own_parameters.get();
  problem.seed = work.seed;
  problem.decision = work.decision;
  problem.settings = work.settings;
  problem.report_objective_after = call.request_.report_objective_after();
  problem.plan_length = static_cast<int>(call.request_.plan_length());
  problem.deadline = StopTime(call);
  problem.cancelled = call.cancelled_.get();
  problem.workers = &workers_;
}

void DecisionMaker::Queue(const Call& call) {
  const DecisionCall::Work& work = call->work_;
  PrepareProblem(*call);
  const absl::Duration plan_time =
      PlanTime(*work.model, work.settings, call->problem_.plan_length);
  const bool takes_a_moment = work.settings.steps == 0 &&
                              call->problem_.plan_length == 0 &&
                              work.model->frozen_time <= kShortAnswer;
  if (takes_a_moment) {
    call->begun_ = now();
    return Freeze(call);
  }
  DecisionQueue::Entry decision;
  decision.id = call->task_id_ = parts_.scheduler->NewId();
  decision.owner = call->caller_.owner();
  decision.session = call->request_.session_id();
  decision.deadline = call->problem_.deadline;
  decision.frozen_time = work.model->frozen_time;
  call->plans_in_turn_only_ = plan_time > kShortAnswer;
  (call->plans_in_turn_only_ ? decision.plan_time : decision.frozen_time) +=
      plan_time;
  decision.kind = {work.model->id, static_cast<int>(work.settings.horizon),
                   static_cast<int>(work.settings.particles),
                   static_cast<int>(work.settings.sampler_steps),
                   work.settings.discount};
  decision.steps = work.settings.steps;
  decision.prior_step = {work.model->StepTime(work.settings),
                         work.model->FurtherTime(work.settings)};
  if (work.settings.accept_only_improvement) {
    decision.reserve = kGuardSteps * decision.prior_step.one;
  }
  call->state_ = State::kQueued;
  const absl::Status accepted = parts_.scheduler->Submit(decision, call);
  if (!accepted.ok()) return Abandon(call, accepted);
  // A cancellation that arrived before the queue had it was missed.
  if (*call->cancelled_) Interrupt(call, GoneError(call->ready_by_, now()));
}

// Returns whether a turn's call should run; otherwise answers it.
bool DecisionMaker::Ready(const Scheduler::Turn& turn) {
  const Call call = std::static_pointer_cast<DecisionCall>(turn.task);
  const bool cancelled = *call->cancelled_;
  const bool late = now() > call->ready_by_ + kStale;
  if (!cancelled && !late) return true;
  call->state_ = State::kRunning;
  parts_.scheduler->Finish(turn.id);
  Abandon(call,
          cancelled ? GoneError(call->ready_by_, now()) : LateError("a core"));
  return false;
}

void DecisionMaker::Run(int lane, Scheduler::Turn turn) {
  if (Ready(turn)) lanes_[lane]->Run(std::move(turn));
}

void DecisionMaker::Evict(std::shared_ptr<Scheduler::Task> task,
                          absl::Status why) {
  Abandon(std::static_pointer_cast<DecisionCall>(std::move(task)),
          std::move(why));
}

void DecisionMaker::Freeze(const Call& call) {
  call->state_ = State::kRunning;
  const Engine& engine = *call->work_.model->engine;
  Problem* const problem = &call->problem_;
  if (std::unique_ptr<Batch> batch = engine.TakeBatch()) {
    if (batch->Admit(problem)) batch->Retire({&problem, 1});
    engine.KeepBatch(std::move(batch));
  } else {
    problem->decision_or =
        absl::ResourceExhaustedError("no memory for a decision");
  }
  Settle(call);
}

void DecisionMaker::Settle(const Call& call) {
  const Problem& problem = call->problem_;
  if (problem.decision_or.ok()) return Commit(call, *problem.decision_or);
  const absl::Status& failure = problem.decision_or.status();
  if (!absl::IsCancelled(failure)) {
    if (!absl::IsInvalidArgument(failure)) {
      log_.EngineFailure(failure, call->request_.session_id(), call->tags_);
    }
    return Abandon(call, EngineError(failure));
  }
  Abandon(call,
          stopping_ ? DrainingError() : GoneError(call->ready_by_, now()));
}

void DecisionMaker::Commit(const Call& call, const Decision& decision) {
  DecisionCall::Work& work = call->work_;
  const absl::Time end = now();
  const absl::Duration queue_time = call->begun_ - call->arrival_;
  const absl::Duration adapt_time = end - call->begun_;
  v1::ActResponse response = ToProto(decision, call->request_.session_id(),
                                     work.decision, queue_time, adapt_time);
  if (work.lease.held()) {
    const SessionState& session = work.lease.session();
    response.set_epoch(session.epoch);
    if (session.resumed_from) {
      response.mutable_report()->set_resumed_from(*session.resumed_from);
    }
  }
  std::shared_ptr<const v1::ActResponse> answer =
      std::make_shared<v1::ActResponse>(std::move(response));
  parts_.metrics->queue_seconds.Observe(absl::ToDoubleSeconds(queue_time));
  parts_.metrics->adapt_seconds.Observe(absl::ToDoubleSeconds(adapt_time));
  parts_.metrics->CountDecision(answer->report());
  if (!work.lease.held()) return Finish(call, answer);
  parts_.keeper->Decided(work.lease.session(), work.lease.observation(),
                         *answer);
  // The decision must not be visible before it is kept.
  parts_.keeper->WhenKept([this, call, answer = std::move(answer), end] {
    auto given = answer;
    if (!parts_.keeper->Works()) {
      auto warning = std::make_shared<v1::ActResponse>(*answer);
      warning->mutable_report()->set_not_kept(true);
      given = std::move(warning);
    }
    const absl::Status closed = call->work_.lease.Commit(given, end);
    closed.ok() ? Finish(call, given) : Finish(call, closed);
  });
}

void DecisionMaker::Cancel(const Call& call) {
  *call->cancelled_ = true;
  Interrupt(call, GoneError(call->ready_by_, now()));
}

void DecisionMaker::Interrupt(const Call& call, const absl::Status& why) {
  if (call->Leave(State::kAwaitingTwin, State::kChecking)) {
    Finish(call, why);
  } else if (call->state_ == State::kQueued &&
             parts_.scheduler->Withdraw(call->task_id_)) {
    Abandon(call, why);
  }
}

void DecisionMaker::Abandon(const Call& call, absl::Status why) {
  if (call->work_.lease.held()) {
    const absl::Status closed = call->work_.lease.Abort(now());
    if (!closed.ok()) why = closed;
  }
  Finish(call, why);
}

void DecisionMaker::Finish(const Call& call,
                           const DecisionCall::Answer& answer) {
  if (!answer.ok()) {
    parts_.metrics->CountRefusal(answer.status());
    log_.Failure("decision failed", answer.status(),
                 call->request_.session_id(), call->caller_.owner(),
                 call->tags_);
  } else {
    const absl::Time end = now();
    parts_.metrics->decision_seconds.Observe(
        absl::ToDoubleSeconds(end - call->arrival_));
    if (call->due_ != absl::InfiniteFuture()) {
      parts_.metrics->CountAnswer(call->due_ - end);
    }
  }
  parts_.metrics->decisions_in_flight.Decrement();
  call->state_ = State::kAnswered;
  if (const uint64_t timer = call->timer_id_) parts_.timer->Cancel(timer);
  std::exchange(call->done_, nullptr)(answer);
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
}

void DecisionMaker::EndWaitInTime(const Call& call) {
  call->timer_id_ = parts_.timer->At(
      call->ready_by_, [this, weak = std::weak_ptr<DecisionCall>(call)] {
        const Call late = weak.lock();
        if (late != nullptr) Interrupt(late, LateError("its turn"));
      });
}

void DecisionMaker::CallLater(absl::Duration time,
                              std::function<void()> action) {
  parts_.timer->At(now() + time, std::move(action));
}

void DecisionMaker::Refuse() {
  absl::MutexLock lock(&mutex_);
  refusing_ = true;
}

bool DecisionMaker::AwaitIdle(absl::Duration timeout) {
  // Polls, since a timed wait for the mutex would follow the wall clock, which
  // may jump.
  const absl::Time end = MonotonicNow() + timeout;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (calls_.empty()) return true;
    }
    if (MonotonicNow() >= end) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
}

void DecisionMaker::Stop() {
  stopping_ = true;
  parts_.scheduler->Hurry();
  std::vector<Call> running;
  {
    absl::MutexLock lock(&mutex_);
    for (const Call& call : calls_) {
      if (call->state_ == State::kRunning) running.push_back(call);
    }
  }
  // Cancel only after all are found, since queued calls start to run as soon as
  // the running ones end.
  for (const Call& call : running) *call->cancelled_ = true;
}

}  // namespace foresight
