// One request for a decision, from its arrival to its answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/adaptation.pb.h"
#include "server/adaptation/engine.h"
#include "server/decisions/caller.h"
#include "server/registry/loaded_model.h"
#include "server/scheduling/scheduler.h"
#include "server/sessions/session_lease.h"
#include "server/support/call_tags.h"

namespace foresight {

// The receiver of the request makes the call, and starts and may cancel it
// through a DecisionMaker. Everything else is private to the maker.
//
// Its state:
//
//   kChecking ──► kAwaitingTwin     a retry, while the decision is in flight
//       │  ▲            │           for another call; or its session is being
//       │  └────────────┘           taken over from another server
//       ├──► kQueued ──► kRunning   a lane or the thread for frozen answers
//       │       │            │      takes it from the scheduler
//       └───────┴────────────┴──► kAnswered   `done` was called
//
// The thread that changes the state continues the call. A thread ends
// kAwaitingTwin by compare-and-swap and kQueued by taking the call from the
// scheduler; only the thread that has the call may change the other states.
class DecisionCall : public Scheduler::Task {
 public:
  using Answer = absl::StatusOr<std::shared_ptr<const v1::ActResponse>>;
  using Done = std::function<void(const Answer&)>;
  enum class State { kChecking, kAwaitingTwin, kQueued, kRunning, kAnswered };

  // `arrival` and `deadline` (the call's) are monotonic times. `done` is called
  // exactly once after Start, on any thread, perhaps before Start returns.
  // `tags` go into log lines about the call.
  DecisionCall(v1::ActRequest request, Caller caller, absl::Time arrival,
               absl::Time deadline, Done done, CallTags tags = {})
      : request_(std::move(request)),
        caller_(std::move(caller)),
        arrival_(arrival),
        deadline_(deadline),
        tags_(std::move(tags)),
        done_(std::move(done)) {}

 private:
  friend class DecisionMaker;
  friend class DecisionLane;

  // Fixed before the call is queued.
  struct Work {
    std::shared_ptr<const LoadedModel> model;
    AdaptationSettings settings;
    uint64_t seed = 0;
    uint64_t decision = 0;
    SessionLease lease;                                // Empty if stateless.
    std::unique_ptr<PolicyParameters> own_parameters;  // If stateless.
  };

  bool Leave(State from, State to) {
    return state_.compare_exchange_strong(from, to);
  }

  const v1::ActRequest request_;
  const Caller caller_;
  const absl::Time arrival_;
  const absl::Time deadline_;
  const CallTags tags_;
  absl::Time due_ = absl::InfiniteFuture();  // The client's deadline.
  absl::Time ready_by_;                      // When the answer must be ready.
  absl::Time begun_;                         // When the turn began.
  Done done_;                                // Empty once called.

  std::atomic<State> state_ = State::kChecking;
  std::atomic<uint64_t> task_id_ = 0;
  std::atomic<uint64_t> timer_id_ = 0;  // Ends the wait for a twin.
  // Set when the client has gone, the session is closed or the server stops.
  const std::shared_ptr<std::atomic<bool>> cancelled_ =
      std::make_shared<std::atomic<bool>>(false);

  // The members below belong to the thread that begins the call, then to the
  // thread that takes it from the scheduler.
  Work work_;
  Problem problem_;
  bool plans_in_turn_only_ = false;  // When it is due it gets no plan.
  bool sought_ = false;              // Its session was looked for elsewhere.
};

}  // namespace foresight
