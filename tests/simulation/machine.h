// A server without threads or a network, in virtual time: the real decision
// maker, scheduler, timer and sessions; lanes and the thread for frozen answers
// are events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/session_operations.h"
#include "tests/simulation/costly_engine.h"
#include "tests/simulation/virtual_clock.h"

namespace foresight {

// Not thread-safe.
class Machine {
 public:
  struct Options {
    DecisionQueue::Options queue;
    StepCosts costs;
    int batch_limit = 1;
    absl::Duration frozen_time = absl::Microseconds(100);
    // The estimate of a step's time before one is measured, relative to its
    // cost, and the factor by which the scheduler is told wrong times
    // afterwards. Values other than 1 make the scheduler misjudge.
    double prior = 1;
    double told = 1;
    // The core time of each call apart from its decision, for the network and
    // for a client on the same machine: half before the decision, half after.
    // It gets a core at once, if necessary a lane's, whose next step then takes
    // longer. There are as many cores as lanes.
    absl::Duration shortest_call, longest_call;
    uint64_t seed = 1;
  };

  explicit Machine(Options options);
  ~Machine();

  absl::Time now() const { return clock_.now; }
  void At(absl::Time when, std::function<void()> action);
  void RunUntil(absl::Time end);

  // Opens a session whose decisions have `steps` steps of `cost` times the
  // usual time.
  absl::Status Open(const std::string& session, int steps, int cost);
  absl::Status Close(const std::string& session);
  DecisionMaker::Call Ask(v1::ActRequest request, const std::string& owner,
                          absl::Time deadline, DecisionCall::Done done);
  // The settings of a stateless call.
  v1::AdaptationSettings Settings(int steps, int cost) const;

  DecisionMaker& maker() { return *maker_; }
  CostlyEngine& engine() { return *engine_; }
  int lanes() const { return options_.queue.lanes; }
  int64_t events() const { return events_run_; }
  size_t queued() const { return scheduler_->size(); }
  size_t sessions() const { return sessions_.size(); }
  double in_flight() const { return metrics_.decisions_in_flight.Value(); }

 private:
  // Gives free lanes something to do.
  void Dispatch();
  // Begins the next turn of `lane`; the last one is for frozen answers.
  // Returns false if there is none.
  bool TakeTurn(int lane);
  void Advance(int lane);
  // Calls `action` after others have used a core for `time`.
  void After(absl::Duration time, std::function<void()> action);
  absl::Time NextEvent() const;
  int express() const { return lanes(); }

  const Options options_;
  VirtualClock clock_;
  const Clock read_ = [this] { return clock_.now; };
  std::multimap<absl::Time, std::function<void()>> events_;
  int64_t events_run_ = 0;
  std::vector<bool> busy_;
  std::vector<absl::Duration> taken_from_;  // Lanes' time, by calls.
  std::mt19937_64 random_;

  std::shared_ptr<CostlyEngine> engine_;
  int horizon_ = 1;  // The model's default.
  Metrics metrics_{"simulation"};
  ModelRegistry models_;
  const SessionKeeper keeper_{{}, nullptr};
  SessionStore sessions_{{}};
  Timer timer_{read_, Timer::NoThread()};
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<DecisionMaker> maker_;
  std::unique_ptr<SessionOperations> operations_;
};

}  // namespace foresight
