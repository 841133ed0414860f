// A server without threads or a network, in virtual time: the real decision
// maker, scheduler, timer and sessions; lanes and the thread for frozen answers
// are events. The server can be restarted, killed and given other weights; what
// its journal keeps outlives it. Several of them may share a store.
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
    // Sessions are kept: in an orderly end all of them, at any other time what
    // has happened until Sync.
    bool keeps = false;
    // Sessions are kept here, too, and taken over from other servers that do
    // the same, which takes a moment. It outlives the machine. Null: none.
    SharedSessions* shared = nullptr;
    // Each answer is kept before it is given.
    bool keeps_each = false;
    uint64_t seed = 1;
  };

  // `loop` outlives it and runs no longer than it lives.
  Machine(Options options, EventLoop* loop);
  ~Machine() override;

  absl::Time now() const { return loop_->now(); }

  // Opens a session whose decisions have `steps` steps of `cost` times the
  // usual time. The errors of this and of the next three are the server's, and
  // DRAINING while it restarts. What they change is kept at once.
  absl::StatusOr<v1::Session> Open(const std::string& session, int steps,
                                   int cost);
  absl::StatusOr<v1::Session> Reset(const std::string& session);
  // Exports the session, closes it and imports it.
  absl::StatusOr<v1::Session> Move(const std::string& session);
  absl::Status Close(const std::string& session);
  DecisionMaker::Call Ask(v1::ActRequest request, const std::string& owner,
                          absl::Time deadline, DecisionCall::Done done);
  // Keeps all that has happened until now.
  void Sync();
  enum class End { kOrderly, kKill };
  // Ends the server and starts another one, which has the sessions that were
  // kept and whose weights are served; shared ones it takes over when they are
  // asked for. A kill fails the calls in flight with UNAVAILABLE. No event may
  // call it.
  void Restart(End end);
  // Serves the other one of two sets of weights.
  void Reload();
  // The hash of those that are served, and of each session's.
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
  // A call that its client waits for.
  struct Pending {
    uint64_t number = 0;
    DecisionCall::Done done;  // Null once it was called.
  };

  // The result of `call`, which changes what is kept; DRAINING while the server
  // restarts.
  template <typename Call>
  auto Change(Call call) -> decltype(call());
  void StartServer();
  LoadedModel Load(int which);
  bool Idle() const;
  void Finish(Pending& call, const DecisionCall::Answer& answer);
  // Keeps `answer`, if each one is; else, or if it can be kept, returns it.
  DecisionCall::Answer Kept(const DecisionCall::Answer& answer);
  void TakeOverSessions();
  absl::Time next() const override;
  void RunDue() override { server_->timer.RunDue(); }
  // Gives free lanes something to do.
  void Dispatch() override;
  // Begins the next turn of `lane`; the last one is for frozen answers.
  // Returns false if there is none.
  bool TakeTurn(int lane);
  void Advance(int lane);
  // Calls `action` after others have used a core for `time`.
  void After(absl::Duration time, std::function<void()> action);
  int express() const { return lanes(); }

  const Options options_;
  EventLoop* const loop_;
  const Clock read_ = [this] { return loop_->now(); };
  std::vector<bool> busy_;
  std::vector<absl::Duration> taken_from_;  // Lanes' time, by calls.
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
