// Takes decisions from request to answer: checks, session, core, engine,
// commit. No thread waits for any of it.
#pragma once

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/adaptation/engine.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/scheduling/scheduler.h"
#include "server/service/decision_call.h"
#include "server/sessions/session_store.h"

namespace foresight {

// Lends a scheduler's idle threads to an engine. Thread-safe.
class LentWorkers : public Workers {
 public:
  explicit LentWorkers(Scheduler* scheduler) : scheduler_(scheduler) {}
  int size() const override { return 1 + scheduler_->idle(); }
  void Run(int count, absl::FunctionRef<void(int)> body) override {
    scheduler_->RunParallel(count, body);
  }

 private:
  Scheduler* const scheduler_;
};

// Thread-safe. No callback is called under a lock. The scheduler must end
// before it, the other parts after it.
class DecisionMaker {
 public:
  struct Options {
    // The engine is done so much before the deadline, for the answer's way
    // back; at most a tenth of the time that there is.
    absl::Duration answer_margin = absl::Milliseconds(1);
    // Of stateless calls: horizon * particles * sampler_steps at most.
    int64_t max_samples = 1 << 22;
  };
  struct Parts {
    const ModelRegistry* models;
    SessionStore* sessions;
    Scheduler* scheduler;
    Metrics* metrics;
  };

  DecisionMaker(Options options, Parts parts);

  using Call = std::shared_ptr<DecisionCall>;

  // The call's answer comes through its `done`; errors as adaptation.proto
  // names them for Act.
  void Start(const Call& call) ABSL_LOCKS_EXCLUDED(mutex_);

  // The client has gone: the call's work stops at the next chance, and the
  // session is left as before the decision or as after it.
  void Cancel(const Call& call);

  // From now on Start answers DRAINING.
  void Refuse() ABSL_LOCKS_EXCLUDED(mutex_);
  // True once every call is answered, false if `deadline` comes first.
  bool AwaitIdle(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);
  // Cuts everything short: what runs is answered DRAINING within one step, what
  // waits gets its least answer.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Status Check(DecisionCall& call) const;
  void Begin(const Call& call);
  absl::Status BeginStateless(DecisionCall& call);
  void BeginInSession(const Call& call);
  void Queue(const Call& call);
  void Run(const Call& call, const Scheduler::Turn& turn);
  Problem MakeProblem(DecisionCall& call, absl::Time until,
                      PolicyParameters* parameters);
  void Commit(const Call& call, const Decision& decision, absl::Time begun);
  // Ends a call that waits for a twin or in the queue; else does nothing.
  void Interrupt(const Call& call, const absl::Status& why);
  // Gives the lease back and answers `why`, or that the session is closed.
  void Abandon(const Call& call, absl::Status why);
  void Finish(const Call& call, const DecisionCall::Answer& answer);
  void ArmAlarm(const Call& call);

  const Options options_;
  const Parts parts_;
  LentWorkers workers_;

  absl::Mutex mutex_;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> stopping_ = false;
  absl::flat_hash_set<Call> calls_ ABSL_GUARDED_BY(mutex_);  // Not answered.
};

}  // namespace foresight
