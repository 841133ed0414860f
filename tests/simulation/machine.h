// A server without threads or a network, in virtual time: the real decision
// maker, scheduler, timer and sessions; lanes and the thread for frozen answers
// are events. The server can be restarted, killed and given other weights; what
// its journal keeps outlives it. Several machines may share a store.
#pragma once

#include <atomic>
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
#include "server/durability/journal.h"
#include "tests/simulation/costly_engine.h"
#include "tests/simulation/event_loop.h"
#include "tests/simulation/memory_store.h"
#include "tests/simulation/shared_memory.h"

namespace foresight {

// Not thread-safe.
class Machine : private EventLoop::Part {
 public:
  struct Options {
    DecisionQueue::Options queue;
    StepCosts costs;
    int batch_limit = 1;
    absl::Duration frozen_time = absl::Microseconds(100);
    // Factors by which the scheduler misjudges a step's time: `prior` before a
    // step has been measured, `told` in each measurement. 1 means that it is
    // right.
    double prior = 1;
    double told = 1;
    // The core time that each call takes besides its decision, for the network
    // and a client on the same machine: half before the decision, half after.
    // The call gets a core at once, if necessary from a lane, whose next step
    // then takes longer. There are as many cores as lanes.
    absl::Duration shortest_call, longest_call;
    // Sessions are stored: all of them at an orderly end, otherwise the changes
    // up to the last Sync.
    bool keeps = false;
    // Sessions are also stored here, and taken over from other servers that use
    // it, which takes a moment. It outlives the machine. Null: none.
    SharedSessions* shared = nullptr;
    // Each decision is stored before it is answered.
    bool keeps_each = false;
    uint64_t seed = 1;
  };

  // `loop` outlives the machine, but does not run after the machine's end.
  Machine(Options options, EventLoop* loop);
  ~Machine() override;

  absl::Time now() const { return loop_->now(); }

  // Opens a session whose decisions have `steps` steps of `cost` times the
  // usual time. This and the next three return the server's errors, and
  // DRAINING while it restarts. Their changes are stored at once.
  absl::StatusOr<v1::Session> Open(const std::string& session, int steps,
                                   int cost);
  absl::StatusOr<v1::Session> Reset(const std::string& session);
  // Exports the session, closes it and imports it.
  absl::StatusOr<v1::Session> Move(const std::string& session);
  absl::Status Close(const std::string& session);
  DecisionMaker::Call Ask(v1::ActRequest request, const std::string& owner,
                          absl::Time deadline, DecisionCall::Done done);
  // Stores all that has happened so far.
  void Sync();
  enum class End { kOrderly, kKill };
  // Ends the server and starts another one, which has the stored sessions whose
  // weights are served; it takes over shared sessions when they are asked for.
  // A kill fails the calls in flight with UNAVAILABLE. Events must not call
  // this.
  void Restart(End end);
  // Serves the other of the two sets of weights.
  void Reload();
  // The hashes of the served weights, and of each session's weights.
  const std::string& weights() const { return hashes_[served_]; }
  std::map<std::string, std::string> SessionWeights() const;

  // The settings of a stateless call.
  v1::AdaptationSettings Settings(int steps, int cost) const;

  DecisionMaker& maker() { return *server_->maker; }
  CostlyEngine& engine() { return *engine_; }
  int lanes() const { return options_.queue.lanes; }
  size_t queued() const { return server_->scheduler->size(); }
  size_t sessions() const { return server_->sessions.size(); }
  size_t generations() const { return server_->models.generations(); }
  double in_flight() const {
    return server_->metrics.decisions_in_flight.Value();
  }

 private:
  // The parts that end with the process.
  struct Server {
    Server(const Options& options, const Clock& clock, KeptSessions* kept);
    ~Server();

    std::unique_ptr<StateStore> MakeStore(const Options& options,
                                          KeptSessions* kept);
    Journal::Options JournalOptions();

    Metrics metrics{"simulation"};
    ModelRegistry models;
    std::atomic<bool> ended = false;   // It was killed, or nothing is left.
    std::unique_ptr<Journal> journal;  // Null: nothing is kept.
    const SessionKeeper keeper;
    SessionStore sessions;
    std::unique_ptr<SharedMemoryStore> store;  // Null: not shared.
    std::unique_ptr<TakeOvers> take_overs;     // Null: not shared.
    Timer timer;
    std::unique_ptr<Scheduler> scheduler;
    std::unique_ptr<DecisionMaker> maker;
    std::unique_ptr<SessionOperations> operations;
  };
  // A call whose client is waiting.
  struct Pending {
    uint64_t number = 0;
    DecisionCall::Done done;  // Null once called.
  };

  // Makes `call`, which changes sessions, and stores the change; DRAINING while
  // the server restarts.
  template <typename Call>
  auto Change(Call call) -> decltype(call());
  void StartServer();
  LoadedModel Load(int which);
  bool Idle() const;
  void Finish(Pending& call, const DecisionCall::Answer& answer);
  // Syncs if required. Returns `answer`, or Aborted if the session has moved.
  DecisionCall::Answer Kept(const DecisionCall::Answer& answer);
  void TakeOverSessions();
  absl::Time next() const override;
  void RunDue() override { server_->timer.RunDue(); }
  // Gives free lanes something to do.
  void Dispatch() override;
  // Begins the next turn of `lane` (the last lane is for frozen answers).
  // Returns false if there is no turn.
  bool TakeTurn(int lane);
  void Advance(int lane);
  // Calls `action` after a core has been used for `time`.
  void After(absl::Duration time, std::function<void()> action);
  int express() const { return lanes(); }

  const Options options_;
  EventLoop* const loop_;
  const Clock read_ = [this] { return loop_->now(); };
  std::vector<bool> busy_;
  std::vector<absl::Duration> taken_from_;  // Time that calls took from lanes.
  std::mt19937_64 random_;

  std::shared_ptr<CostlyEngine> engine_;
  int horizon_ = 1;                                     // The model's default.
  std::vector<std::shared_ptr<const Bundle>> bundles_;  // Two.
  std::vector<std::string> hashes_;                     // Theirs.
  int served_ = 0;                                      // Index of them.
  uint64_t models_loaded_ = 0;
  KeptSessions kept_;
  std::map<uint64_t, std::shared_ptr<Pending>> calls_;  // By their numbers.
  uint64_t calls_made_ = 0;
  bool restarting_ = false;
  // Clients are told to go elsewhere.
  bool draining_ = false;
  std::unique_ptr<Server> server_;
};

}  // namespace foresight
