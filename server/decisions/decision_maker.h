// Takes decisions from request to answer: checks, session, queue, engine,
// commit. No thread waits for any of it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/adaptation/engine.h"
#include "server/decisions/call_log.h"
#include "server/decisions/decision_call.h"
#include "server/decisions/decision_lane.h"
#include "server/decisions/request_checks.h"
#include "server/decisions/session_keeper.h"
#include "server/decisions/take_overs.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/scheduling/scheduler.h"
#include "server/scheduling/timer.h"
#include "server/sessions/session_store.h"

namespace foresight {

// Lends a scheduler's idle lanes to an engine. Thread-safe.
class LentWorkers : public Workers {
 public:
  explicit LentWorkers(Scheduler* scheduler) : scheduler_(scheduler) {}
  int size() const override { return scheduler_->SplitThreads(); }
  void Run(int count, int lanes, ParallelJob::Body body) override {
    scheduler_->RunParallel(count, lanes, body);
  }

 private:
  Scheduler* const scheduler_;
};

// Thread-safe. No callback is called under a lock. The scheduler must be
// destroyed before the maker, the other parts after it.
class DecisionMaker : public Scheduler::Executor {
 public:
  struct Options {
    // Reserved for returning the answer; at most a tenth of the call's time.
    absl::Duration answer_margin = absl::Milliseconds(1);
  };
  struct Parts {
    const ModelRegistry* models;
    SessionStore* sessions;
    const SessionKeeper* keeper;
    Scheduler* scheduler;
    Timer* timer;  // Ends waits for a twin or a take-over.
    Metrics* metrics;
    TakeOvers* take_overs = nullptr;  // Null: no session is elsewhere.
  };

  // Starts the scheduler.
  DecisionMaker(Options options, RequestLimits limits, Parts parts);

  using Call = std::shared_ptr<DecisionCall>;

  // Answers the call through its `done`, with the errors that adaptation.proto
  // names for Act.
  void Start(const Call& call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Call it when the client has gone: work on the call stops as soon as
  // possible, and the session is left as before the decision or as after it.
  void Cancel(const Call& call);

  // Calls `action` after `time`, on a timer's thread. It must be short.
  void CallLater(absl::Duration time, std::function<void()> action);

  // Makes Start answer DRAINING from now on.
  void Refuse() ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns true once every call is answered, false after `timeout`.
  bool AwaitIdle(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);
  // Cuts everything short: running decisions are answered DRAINING within one
  // step; queued ones get their frozen answer.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // For a simulation, which runs lanes step by step.
  DecisionLane& lane(int i) { return *lanes_[i]; }
  bool Ready(const Scheduler::Turn& turn);

 private:
  void Run(int lane, Scheduler::Turn turn) override;
  void Evict(std::shared_ptr<Scheduler::Task> task, absl::Status why) override;

  absl::Status Check(DecisionCall& call) const;
  void Begin(const Call& call);
  absl::Status BeginStateless(DecisionCall& call);
  void BeginInSession(const Call& call);
  // Whether another server may have a newer state of the call's session than
  // this one, which refused the call for `why`.
  bool MayBeElsewhere(const DecisionCall& call, const absl::Status& why) const;
  // Begins the call again once the newest state is here.
  void TakeOver(const Call& call);
  void Queue(const Call& call);
  // When the engine must be done. With --durability each, time is left until
  // ready_by_ for keeping the answer.
  absl::Time StopTime(const DecisionCall& call) const;
  void PrepareProblem(DecisionCall& call);
  void Freeze(const Call& call);
  // Answers a call whose problem holds its outcome.
  void Settle(const Call& call);
  void Commit(const Call& call, const Decision& decision);
  // Ends a call that waits for a twin, for its session to come here, or in the
  // queue; else does nothing.
  void Interrupt(const Call& call, const absl::Status& why);
  // Gives the lease back and answers `why`, or that the session is closed.
  void Abandon(const Call& call, absl::Status why);
  void Finish(const Call& call, const DecisionCall::Answer& answer);
  void EndWaitInTime(const Call& call);
  absl::Time now() const { return parts_.scheduler->now(); }

  const Options options_;
  const RequestLimits limits_;
  const Parts parts_;
  CallLog log_;
  LentWorkers workers_;
  // One per lane, and one for frozen answers.
  std::vector<std::unique_ptr<DecisionLane>> lanes_;

  absl::Mutex mutex_;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> stopping_ = false;
  absl::flat_hash_set<Call> calls_ ABSL_GUARDED_BY(mutex_);  // Not answered.
};

}  // namespace foresight
