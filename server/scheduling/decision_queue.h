// Decides which waiting decision gets the next adaptation step, which ones are
// stepped together, and which get their frozen answer instead. Has no thread
// and reads no clock: callers pass the time in.
//
// docs/scheduling.md explains the design and what it was compared with.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/scheduling/recent_work.h"
#include "server/scheduling/service_weight.h"
#include "server/scheduling/step_times.h"

namespace foresight {

// Three rules:
//   whole steps    A step is begun only if it is expected to end in time.
//   fair shares    While there is time for all, the decision with the least
//                  time left goes first. Otherwise the owner with the least
//                  recent service goes first, with its least served session.
//   early answers  A decision waits for a step for a fraction of its time only.
//                  After that it is due: it gets its frozen answer, no step.
// So under overload queues stay short, steps are shed evenly, and an answer
// leaves long before its deadline.
//
// Not thread-safe.
class DecisionQueue {
 public:
  struct Options {
    int lanes = 1;                // >= 1; threads that adapt.
    size_t max_size = 4096;       // >= 1; decisions that wait.
    size_t max_per_owner = 2048;  // >= 1; decisions of one owner that wait.
    // The fraction of its time that a decision may wait for a step.
    double patience = 0.5;  // In (0, 1].
    // A step of several decisions together may take this long; longer only if
    // one more decision hardly lengthens it, as on a GPU.
    absl::Duration longest_joint_step = absl::Milliseconds(8);
    // Whether the decision with the least time left goes first while there is
    // time for all. If false, the least served always goes first.
    bool earliest_first = true;
    // Whether urgent decisions may go first between a long decision's steps.
    bool interrupts = true;
  };
  // A decision, as the queue sees it.
  struct Entry {
    uint64_t id = 0;      // Unique among those waiting and running.
    std::string owner;    // Limits and shares count against it.
    std::string session;  // Empty: stateless, one share for all.
    absl::Time deadline = absl::InfiniteFuture();  // For the engine.
    absl::Duration frozen_time;                    // For a frozen answer.
    // For a long plan. Only lanes make plans, in their turns, so as to delay
    // nobody's frozen answer; a decision that is due gets none.
    absl::Duration plan_time;
    StepKind kind;
    int steps = 0;           // 0: only an answer (or plan) is wanted.
    StepPrior prior_step;    // A step's expected time until measured.
    absl::Duration reserve;  // For the guards after the last step.
  };
  struct Turn {
    uint64_t id = 0;
    // If false, only the frozen answer is given, without a long plan, since the
    // decision's time to wait is over.
    bool adapt = false;
  };
  struct Pushed {
    // A decision that had to leave the full queue; its owner had the most
    // decisions waiting.
    std::optional<uint64_t> evicted;
  };

  explicit DecisionQueue(Options options) : options_(options) {}

  // Errors:
  //   OVERLOADED: the queue is full, the owner has too many decisions waiting,
  //               or not even the frozen answer could be in time. Says when to
  //               try again.
  absl::StatusOr<Pushed> Push(const Entry& decision, absl::Time now);

  // The decision to run on a free lane; none if none waits.
  std::optional<Turn> Pop(absl::Time now);
  // A decision that is due; none if there is none.
  std::optional<Turn> PopDue(absl::Time now);
  // The time at which the next decision becomes due; in the past if one is due.
  absl::Time next_due() const;

  // Another decision that can step together with `ids`; none if there is none.
  std::optional<uint64_t> Join(absl::Span<const uint64_t> ids, absl::Time now);
  // A decision that has had less service than `id` and cannot wait until `id`
  // has made its `steps_left` steps: it goes first, then `id` resumes.
  std::optional<Turn> PopUrgent(uint64_t id, int steps_left, absl::Time now);
  // Whether the next step of `id`, together with `count` - 1 others, is
  // expected to end in time.
  bool MayStep(uint64_t id, int count, int threads, absl::Time now) const;

  // Records that `ids` were stepped together for `taken`; if not `whole`, the
  // step was cut.
  void CountStep(absl::Span<const uint64_t> ids, int threads,
                 absl::Duration taken, bool whole, absl::Time now);
  // Records that `id` used a core for `taken`, apart from steps.
  void CountOther(uint64_t id, absl::Duration taken, absl::Time now);
  // Ends the turn of `id`.
  void Finish(uint64_t id);

  // A lane begins, or stops, helping with another lane's step.
  void BeginHelp() { ++helping_; }
  void EndHelp() { --helping_; }

  // Removes a waiting decision. Returns false if it is not waiting.
  bool Remove(uint64_t id);

  size_t size() const { return waiting_.size(); }
  // Decisions that wait for a step.
  size_t candidates() const { return due_times_.size(); }
  // The number of owners and sessions that it remembers: at most about twice
  // those served in the last seconds, however many come and go.
  size_t known() const { return known_; }
  // The lanes' recent work, as RecentWork counts it, except what the latest
  // session has used since another session last worked.
  double others_work(absl::Time now) const { return work_.OfOthers(now); }
  // Whether so many decisions are due that lanes help to answer them.
  bool overdue() const { return due_.size() > kDueBacklog; }

 private:
  // Service, then the order of arrival.
  using Rank = std::pair<double, uint64_t>;
  struct Session {
    double served = 0;
    int decisions = 0;  // Waiting and running.
  };
  // Means over the last turns of some sessions.
  struct Shortage {
    double shed = 0;      // Fraction of decisions that no lane took in time.
    double served = 0;    // Their sessions' service, in seconds.
    double withheld = 0;  // Fraction of turns that nobody took.
  };
  struct Owner {
    double served = 0;
    Shortage shortage;  // Among its sessions.
    int waiting = 0;
    int running = 0;
    uint64_t order = 0;  // Order of creation, to break ties.
    absl::flat_hash_map<std::string, std::unique_ptr<Session>> sessions;
    std::set<std::pair<Rank, uint64_t>> candidates;       // Rank, id.
    std::set<std::pair<absl::Time, uint64_t>> due_times;  // The candidates'.
    std::set<std::pair<absl::Time, uint64_t>> due;        // Deadline, id.
  };
  struct Waiting {
    Entry decision;
    Owner* owner = nullptr;
    Session* session = nullptr;
    Rank rank;        // As in owner->candidates.
    absl::Time due;   // When it stops waiting for a step.
    absl::Time soon;  // When it should have its turn; at most `due`.
    bool is_due = false;
    bool adapts = false;  // While running.
  };
  static constexpr size_t kDueBacklog = 8;
  using OwnerRank = std::pair<Rank, Owner*>;

  Owner& FindOwner(const std::string& name);
  Session& FindSession(Owner& owner, const std::string& name);
  // The least service that a newcomer starts with, given the `least` of those
  // waiting.
  double Floor(double least, absl::Time now);
  absl::Status CheckRoom(const Entry& decision, absl::Time now,
                         std::optional<uint64_t>& evict) const;
  absl::Time DueTime(const Entry& decision, absl::Time now) const;
  absl::Duration StepTime(const Entry& decision, int count, int threads,
                          absl::Time now) const;
  bool Fits(const Entry& decision, absl::Duration step, absl::Time now) const;
  void MakeDue(absl::Time now);
  void MakeDue(Waiting& waiting);
  Shortage& ShortageOf(const Waiting& waiting);
  // Records whether a lane took `waiting` in time.
  void CountTurn(const Waiting& waiting, bool adapt, absl::Time now);
  // Whether its session, coming when few others wait, has had more service than
  // shed sessions. Counts the turn as withheld if a lane stays idle.
  bool MustWithhold(const Waiting& waiting, absl::Time now);
  Turn Start(uint64_t id, bool adapt);
  // The first `most` candidates in the order of their turns.
  std::vector<Waiting*> InOrder(size_t most, absl::Time now);
  // Whether every candidate could begin before it is due.
  bool HasTimeForAll(absl::Time now) const;
  // A decision's share of a step's time, if it may be stepped with others.
  absl::Duration StepShare(const Entry& decision, absl::Time now) const;
  void Charge(const Waiting& running, absl::Duration used, absl::Duration alone,
              absl::Time now);
  // Unlist takes an owner out of the ordered sets before a change, List puts it
  // back.
  void Unlist(Owner& owner);
  void List(Owner& owner);
  void Enqueue(Waiting& waiting);
  void Dequeue(Waiting& waiting);
  void Rebase(absl::Time now);
  // Forgets owners and sessions that have no decisions and whose service has
  // faded.
  void Forget(absl::Time now);

  const Options options_;
  ServiceWeight weight_;
  StepTimes step_times_;
  RecentWork work_;
  Shortage lone_sessions_;  // Among owners with one session each.
  uint64_t arrivals_ = 0;
  uint64_t owners_created_ = 0;
  size_t known_ = 0;
  size_t most_known_ = 0;  // With more, it tries to forget some.
  absl::flat_hash_map<std::string, std::unique_ptr<Owner>> owners_;
  absl::flat_hash_map<uint64_t, Waiting> waiting_;
  absl::flat_hash_map<uint64_t, Waiting> running_;
  std::set<OwnerRank> with_candidates_, with_due_;
  std::set<std::pair<absl::Time, uint64_t>> due_times_;   // The candidates'.
  std::set<std::pair<absl::Time, uint64_t>> soon_times_;  // The candidates'.
  std::set<std::pair<absl::Time, uint64_t>> due_;         // Deadline, id.
  std::set<std::pair<int, Owner*>> by_waiting_;           // Owners that wait.
  int adapting_ = 0;
  int helping_ = 0;
};

}  // namespace foresight
