// Runs the turns of one lane of the scheduler: steps decisions, alone or
// together, and answers each as soon as it is done.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/adaptation/engine.h"
#include "server/decisions/decision_call.h"
#include "server/scheduling/scheduler.h"

namespace foresight {

// Decisions join and leave between steps. A decision that cannot wait may go
// first: then the lane sets its present group aside and resumes it afterwards.
// Prepare, Step and Complete are separate so that a simulation can let time
// pass between them.
//
// Not thread-safe: belongs to its lane's thread.
class DecisionLane {
 public:
  // Called with a call whose problem holds its outcome.
  using Settle = std::function<void(const std::shared_ptr<DecisionCall>&)>;

  // Both outlive it.
  DecisionLane(Scheduler* scheduler, Workers* workers, Settle settle)
      : scheduler_(scheduler), workers_(workers), settle_(std::move(settle)) {}

  // Runs a whole turn.
  void Run(Scheduler::Turn turn);

  // Begins a turn; the problem of its call must be ready.
  void Begin(Scheduler::Turn turn);
  // Answers the decisions that are done and chooses the next ones to step.
  // Returns false if the lane has nothing more to do.
  bool Prepare();
  void Step();
  void Complete(absl::Duration taken);

 private:
  using Call = std::shared_ptr<DecisionCall>;
  struct Member {
    Call call;
    uint64_t id = 0;
    int steps_left = 0;
    bool may_step = true;
  };
  // Decisions that are stepped together.
  struct Group {
    std::shared_ptr<const LoadedModel> model;
    std::unique_ptr<Batch> batch;
    std::vector<Member> members;
  };

  void Admit(Group& group, Scheduler::Turn turn);
  void RetireDone(Group& group);
  void Retire(Group& group, const Member& member);
  void Recruit(Group& group);
  bool LetUrgentGoFirst(const Group& group);

  Scheduler* const scheduler_;
  Workers* const workers_;
  const Settle settle_;
  std::vector<Group> groups_;  // The last one runs; the rest are set aside.
  std::vector<Problem*> stepping_;
  std::vector<uint64_t> ids_;
  int threads_ = 1;  // For the present step.
};

}  // namespace foresight
