// One request for a decision, from its arrival to its answer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "proto/adaptation.pb.h"
#include "server/adaptation/engine.h"
#include "server/registry/loaded_model.h"
#include "server/sessions/session_lease.h"

namespace foresight {

// Made by a reactor, which starts and may cancel it through a DecisionMaker;
// everything else is the maker's.
class DecisionCall {
 public:
  using Answer = absl::StatusOr<std::shared_ptr<const v1::ActResponse>>;
  using Done = std::function<void(const Answer&)>;

  // `deadline` is the call's; `done` is called exactly once after Start, on any
  // thread, perhaps before Start returns.
  DecisionCall(v1::ActRequest request, absl::Time deadline, Done done)
      : request_(std::move(request)),
        deadline_(deadline),
        done_(std::move(done)) {}

 private:
  friend class DecisionMaker;

  // What the engine is given; fixed before the call is queued.
  struct Work {
    std::shared_ptr<const LoadedModel> model;
    AdaptationSettings settings;
    uint64_t seed = 0;
    uint64_t decision = 0;
    SessionLease lease;  // Not held by a stateless call.
  };

  const v1::ActRequest request_;
  const absl::Time arrival_ = absl::Now();
  absl::Time deadline_;  // From Start on: when the engine must be done.
  Done done_;            // Empty once called.
  std::atomic<uint64_t> task_id_ = 0;

  // Set when the client has gone, the session is closed or the server stops.
  const std::shared_ptr<std::atomic<bool>> cancelled_ =
      std::make_shared<std::atomic<bool>>(false);
  // While a twin of it is in flight; whoever clears it goes on with the call.
  std::atomic<bool> waiting_ = false;
  std::atomic<bool> running_ = false;
  std::atomic<bool> finished_ = false;

  // Belongs to the thread that begins the call, then to whoever takes its task
  // from the scheduler.
  Work work_;

  absl::Mutex mutex_;
  // Ends a wait, for a twin or for a core, at the deadline.
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
