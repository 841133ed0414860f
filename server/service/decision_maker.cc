#include "server/service/decision_maker.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "models/support/status_macros.h"
#include "server/scheduling/step_time.h"
#include "server/service/decision_errors.h"
#include "server/service/messages.h"
#include "server/service/request_checks.h"
#include "server/support/error.h"
#include "server/support/log.h"

namespace foresight {
DecisionMaker::DecisionMaker(Options options, Parts parts)
    : options_(options), parts_(parts), workers_(parts.scheduler) {}

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
  const absl::Time deadline = std::min(call.deadline_, call.arrival_ + budget);
  const absl::Duration left =
      std::max(deadline - call.arrival_, absl::ZeroDuration());
  call.deadline_ = deadline - std::min(options_.answer_margin, left / 10);
  if (request.session_id().empty()) return absl::OkStatus();
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
                                 options_.max_samples));
  RETURN_IF_ERROR(CheckObservation(request.observation(),
                                   work.model->bundle->observation_size()));
  work.seed = request.seed();
  work.decision = request.decision_index();
  return absl::OkStatus();
}

void DecisionMaker::BeginInSession(const Call& call) {
  const v1::ActRequest& request = call->request_;
  std::optional<uint64_t> index;
  if (request.has_decision_index()) index = request.decision_index();
  const auto resume = [this, call](auto answer) {
    if (!call->waiting_.exchange(false)) return;
    answer != nullptr ? Finish(call, std::move(answer)) : Begin(call);
  };
  // From here until it is cleared, Interrupt may end the call.
  call->waiting_ = true;
  auto admission = parts_.sessions->Begin(
      {request.session_id(), index, request.observation(), call->cancelled_},
      resume, absl::Now());
  if (admission.ok() &&
      std::holds_alternative<SessionStore::Waiting>(*admission)) {
    ArmAlarm(call);
    // What came before the wait did not find it.
    if (*call->cancelled_)
      Interrupt(call, GoneError(call->deadline_, absl::Now()));
    return;
  }
  // Interrupted already; a lease is given back by its destructor.
  if (!call->waiting_.exchange(false)) return;
  if (!admission.ok()) return Finish(call, admission.status());
  if (auto* lease = std::get_if<SessionLease>(&*admission)) {
    SessionState& session = lease->session();
    call->work_ = {session.model, session.settings, session.seed,
                   session.next_decision, std::move(*lease)};
    return Queue(call);
  }
  Finish(call, std::get<std::shared_ptr<const v1::ActResponse>>(
                   *std::move(admission)));
}

void DecisionMaker::Queue(const Call& call) {
  const DecisionCall::Work& work = call->work_;
  Scheduler::Task task;
  task.decision.id = call->task_id_ = parts_.scheduler->NewId();
  task.decision.deadline = call->deadline_;
  task.decision.frozen_time = work.model->frozen_time;
  task.decision.steps = work.settings.steps;
  if (work.lease.held()) {
    task.decision.step_time = work.lease.session().step_time;
  }
  task.run = [this, call](const Scheduler::Turn& turn) { Run(call, turn); };
  const absl::StatusOr<bool> starts_now =
      parts_.scheduler->Submit(std::move(task));
  if (!starts_now.ok()) return Abandon(call, starts_now.status());
  if (!*starts_now) ArmAlarm(call);
}

void DecisionMaker::Run(const Call& call, const Scheduler::Turn& turn) {
  call->running_ = true;
  DecisionCall::Work& work = call->work_;
  if (*call->cancelled_)
    return Abandon(call, GoneError(call->deadline_, absl::Now()));
  if (!turn.in_time) return Abandon(call, LateError("a core"));
  const absl::Time begun = absl::Now();
  // Stop looks for what runs; what it missed sees that it stops.
  const absl::Time until = stopping_ ? absl::InfinitePast() : turn.until;
  std::unique_ptr<PolicyParameters> own;  // Of a stateless call.
  if (!work.lease.held()) own = work.model->engine->NewParameters();
  Problem problem = MakeProblem(
      *call, until,
      own != nullptr ? own.get() : work.lease.session().parameters.get());
  work.model->engine->Adapt(absl::MakeSpan(&problem, 1));
  if (problem.decision_or.ok()) {
    return Commit(call, *problem.decision_or, begun);
  }
  const absl::Status& failure = problem.decision_or.status();
  if (!absl::IsCancelled(failure)) {
    if (!absl::IsInvalidArgument(failure)) {
      LogError("engine failed: ", failure.ToString());
    }
    return Abandon(call, EngineError(failure));
  }
  Abandon(call, stopping_ ? DrainingError()
                          : GoneError(call->deadline_, absl::Now()));
}

Problem DecisionMaker::MakeProblem(DecisionCall& call, absl::Time until,
                                   PolicyParameters* parameters) {
  Problem problem;
  problem.observation = call.request_.observation();
  problem.parameters = parameters;
  problem.seed = call.work_.seed;
  problem.decision = call.work_.decision;
  problem.settings = call.work_.settings;
  problem.report_objective_after = call.request_.report_objective_after();
  problem.deadline = until;
  problem.cancelled = call.cancelled_.get();
  problem.workers = &workers_;
  return problem;
}

void DecisionMaker::Commit(const Call& call, const Decision& decision,
                           absl::Time begun) {
  DecisionCall::Work& work = call->work_;
  const absl::Time now = absl::Now();
  const absl::Duration queue_time = begun - call->arrival_;
  const absl::Duration adapt_time = now - begun;
  auto answer = std::make_shared<const v1::ActResponse>(
      ToProto(decision, call->request_.session_id(), work.decision, queue_time,
              adapt_time));
  parts_.metrics->queue_seconds.Observe(absl::ToDoubleSeconds(queue_time));
  parts_.metrics->adapt_seconds.Observe(absl::ToDoubleSeconds(adapt_time));
  parts_.metrics->CountDecision(answer->report());
  if (work.lease.held()) {
    SessionState& session = work.lease.session();
    session.step_time = LearnStepTime(
        session.step_time, decision.report.steps_requested,
        decision.report.steps_done, adapt_time, work.model->frozen_time);
    const absl::Status closed = work.lease.Commit(answer, now);
    if (!closed.ok()) return Finish(call, closed);
  }
  Finish(call, std::move(answer));
}

void DecisionMaker::Cancel(const Call& call) {
  *call->cancelled_ = true;
  Interrupt(call, GoneError(call->deadline_, absl::Now()));
}

void DecisionMaker::Interrupt(const Call& call, const absl::Status& why) {
  if (call->finished_) return;
  if (call->waiting_.exchange(false)) {
    Finish(call, why);
  } else if (parts_.scheduler->Withdraw(call->task_id_)) {
    Abandon(call, why);
  }
}

void DecisionMaker::Abandon(const Call& call, absl::Status why) {
  if (call->work_.lease.held()) {
    const absl::Status closed = call->work_.lease.Abort(absl::Now());
    if (!closed.ok()) why = closed;
  }
  Finish(call, why);
}

void DecisionMaker::Finish(const Call& call,
                           const DecisionCall::Answer& answer) {
  if (answer.ok()) {
    parts_.metrics->decision_seconds.Observe(
        absl::ToDoubleSeconds(absl::Now() - call->arrival_));
  }
  parts_.metrics->decisions_in_flight.Decrement();
  call->finished_ = true;
  std::exchange(call->done_, nullptr)(answer);
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
}

void DecisionMaker::ArmAlarm(const Call& call) {
  if (call->deadline_ == absl::InfiniteFuture()) return;
  auto alarm = std::make_unique<grpc::Alarm>();
  alarm->Set(absl::ToChronoTime(call->deadline_),
             [this, weak = std::weak_ptr<DecisionCall>(call)](bool fired) {
               const Call late = fired ? weak.lock() : nullptr;
               if (late != nullptr) Interrupt(late, LateError("its turn"));
             });
  absl::MutexLock lock(&call->mutex_);  // An older one is freed after it.
  call->alarm_.swap(alarm);
}

void DecisionMaker::Refuse() {
  absl::MutexLock lock(&mutex_);
  refusing_ = true;
}

bool DecisionMaker::AwaitIdle(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return calls_.empty();
  };
  return mutex_.AwaitWithDeadline(absl::Condition(&idle), deadline);
}

void DecisionMaker::Stop() {
  stopping_ = true;
  parts_.scheduler->Hurry();
  absl::MutexLock lock(&mutex_);
  for (const Call& call : calls_) {
    if (call->running_) *call->cancelled_ = true;
  }
}

}  // namespace foresight
