#include "server/scheduling/decision_queue.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {
namespace {

// The shortest time to retry after; a client would not notice a shorter one.
constexpr absl::Duration kShortestRetry = absl::Milliseconds(1);
constexpr absl::Duration kFullRetry = absl::Milliseconds(20);
// An answer that leaves this long before its deadline is early enough.
constexpr absl::Duration kEarlyEnough = absl::Milliseconds(100);
// A free lane takes a decision within this time.
constexpr absl::Duration kWaking = absl::Milliseconds(1);
// A newcomer's largest advantage in service, in seconds.
constexpr double kAllowance = 0.1;
// An owner or session with less service, in seconds, counts as new.
constexpr double kForgotten = 1e-4;
constexpr size_t kFewKnown = 256;
// The most candidates that Join looks at.
constexpr size_t kMostLookedAt = 32;
// If one more decision lengthens a step by at most this fraction, only the
// deadlines limit how many are stepped together.
constexpr double kHardlyAdds = 0.1;
// With more candidates there is hardly time for all, and looking takes long.
constexpr size_t kMostPlanned = 64;
// Frozen answers may take this much longer than expected.
constexpr absl::Duration kDueSlack = absl::Milliseconds(5);
// A decision with much time gives way to those with little for this long.
constexpr absl::Duration kSoon = absl::Milliseconds(50);
// A turn's weight in the means of Shortage: some twenty turns count.
constexpr double kTurnWeight = 0.05;
// Lanes are short if more than this fraction of decisions is shed. It exceeds
// 1/20, since one decision among twenty is too few to tell.
constexpr double kShort = 0.08;
// While lanes are short, a session may have this many times the service of shed
// sessions, and half a decision's time more: service comes in whole decisions.
constexpr double kUnevenness = 1.1;
// At most this fraction of turns is withheld for fairness although nobody else
// can take them.
constexpr double kMostWithheld = 0.08;

// The expected work after a decision's last step.
absl::Duration AfterSteps(const DecisionQueue::Entry& decision) {
  return decision.reserve + decision.frozen_time + decision.plan_time;
}

}  // namespace

DecisionQueue::Owner& DecisionQueue::FindOwner(const std::string& name) {
  std::unique_ptr<Owner>& owner = owners_[name];
  if (owner == nullptr) {
    owner = std::make_unique<Owner>();
    owner->order = owners_created_++;
    ++known_;
  }
  return *owner;
}

DecisionQueue::Session& DecisionQueue::FindSession(Owner& owner,
                                                   const std::string& name) {
  std::unique_ptr<Session>& session = owner.sessions[name];
  if (session == nullptr) {
    session = std::make_unique<Session>();
    ++known_;
  }
  return *session;
}

double DecisionQueue::Floor(double least, absl::Time now) {
  return least - kAllowance * weight_.At(now);
}

absl::Duration DecisionQueue::StepTime(const Entry& decision, int count,
                                       int threads, absl::Time now) const {
  if (decision.steps == 0) return absl::ZeroDuration();
  return step_times_.Expect(decision.kind, count, threads, decision.prior_step,
                            now);
}

bool DecisionQueue::Fits(const Entry& decision, absl::Duration step,
                         absl::Time now) const {
  return now + step + AfterSteps(decision) <= decision.deadline;
}

absl::Time DecisionQueue::DueTime(const Entry& decision, absl::Time now) const {
  if (decision.steps == 0 && decision.plan_time == absl::ZeroDuration()) {
    return now;
  }
  const absl::Duration window = decision.deadline - now;
  const absl::Duration step = StepTime(decision, 1, 1, now);
  const absl::Duration early =
      std::min((1 - options_.patience) * window, kEarlyEnough);
  const absl::Time due =
      decision.deadline - std::max(early, step + AfterSteps(decision));
  const bool starts_now = adapting_ + helping_ < options_.lanes &&
                          due_times_.empty() && Fits(decision, step, now);
  return std::max(due, starts_now ? now + kWaking : now);
}

absl::Status DecisionQueue::CheckRoom(const Entry& decision, absl::Time now,
                                      std::optional<uint64_t>& evict) const {
  const auto found = owners_.find(decision.owner);
  const Owner* owner = found == owners_.end() ? nullptr : found->second.get();
  const int waiting = owner == nullptr ? 0 : owner->waiting;
  if (owner != nullptr) {
    const absl::Duration backlog =
        (owner->due.size() + 1) * decision.frozen_time;
    if (!owner->due.empty() && now + backlog > decision.deadline) {
      return MakeError(
          Reason::kOverloaded,
          absl::StrCat(owner->due.size(),
                       " decisions of this client are late; even without "
                       "adaptation the answer would take ",
                       absl::FormatDuration(backlog), ", expected at most ",
                       absl::FormatDuration(decision.deadline - now)),
          std::max(backlog, kShortestRetry));
    }
    if (static_cast<size_t>(waiting) >= options_.max_per_owner) {
      return MakeError(
          Reason::kOverloaded,
          absl::StrCat(waiting,
                       " decisions of this client are waiting, expected fewer "
                       "than ",
                       options_.max_per_owner),
          kFullRetry);
    }
  }
  if (waiting_.size() < options_.max_size) return absl::OkStatus();
  if (!by_waiting_.empty()) {
    const auto& [most, heaviest] = *by_waiting_.rbegin();
    if (most > waiting + 1 && !heaviest->candidates.empty()) {
      evict = heaviest->candidates.rbegin()->second;
      return absl::OkStatus();
    }
  }
  return MakeError(Reason::kOverloaded,
                   absl::StrCat(waiting_.size(),
                                " decisions are waiting, expected fewer than ",
                                options_.max_size),
                   kFullRetry);
}

absl::StatusOr<DecisionQueue::Pushed> DecisionQueue::Push(const Entry& decision,
                                                          absl::Time now) {
  if (weight_.MustRebase(now)) Rebase(now);
  if (known_ > most_known_) Forget(now);
  Pushed pushed;
  if (absl::Status full = CheckRoom(decision, now, pushed.evicted);
      !full.ok()) {
    return full;
  }
  if (pushed.evicted) Remove(*pushed.evicted);
  Owner& owner = FindOwner(decision.owner);
  Unlist(owner);
  if (owner.waiting + owner.running == 0 && !with_candidates_.empty()) {
    owner.served = std::max(owner.served,
                            Floor(with_candidates_.begin()->first.first, now));
  }
  Session& session = FindSession(owner, decision.session);
  if (session.decisions == 0 && !owner.candidates.empty()) {
    session.served = std::max(
        session.served, Floor(owner.candidates.begin()->first.first, now));
  }
  ++session.decisions;
  ++owner.waiting;
  List(owner);
  Waiting& waiting = waiting_[decision.id];
  waiting.decision = decision;
  waiting.owner = &owner;
  waiting.session = &session;
  waiting.rank = Rank(session.served, arrivals_++);
  waiting.due = DueTime(decision, now);
  waiting.soon = std::min(waiting.due, now + kSoon);
  waiting.is_due = waiting.due <= now;
  Enqueue(waiting);
  return pushed;
}

void DecisionQueue::Unlist(Owner& owner) {
  const Rank rank(owner.served, owner.order);
  with_candidates_.erase({rank, &owner});
  with_due_.erase({rank, &owner});
  by_waiting_.erase({owner.waiting, &owner});
}

void DecisionQueue::List(Owner& owner) {
  const Rank rank(owner.served, owner.order);
  if (!owner.candidates.empty()) with_candidates_.insert({rank, &owner});
  if (!owner.due.empty()) with_due_.insert({rank, &owner});
  if (owner.waiting > 0) by_waiting_.insert({owner.waiting, &owner});
}

void DecisionQueue::Enqueue(Waiting& waiting) {
  Owner& owner = *waiting.owner;
  const uint64_t id = waiting.decision.id;
  Unlist(owner);
  if (waiting.is_due) {
    owner.due.insert({waiting.decision.deadline, id});
    due_.insert({waiting.decision.deadline, id});
  } else {
    owner.candidates.insert({waiting.rank, id});
    owner.due_times.insert({waiting.due, id});
    due_times_.insert({waiting.due, id});
    soon_times_.insert({waiting.soon, id});
  }
  List(owner);
}

void DecisionQueue::Dequeue(Waiting& waiting) {
  Owner& owner = *waiting.owner;
  const uint64_t id = waiting.decision.id;
  Unlist(owner);
  if (waiting.is_due) {
    owner.due.erase({waiting.decision.deadline, id});
    due_.erase({waiting.decision.deadline, id});
  } else {
    owner.candidates.erase({waiting.rank, id});
    owner.due_times.erase({waiting.due, id});
    due_times_.erase({waiting.due, id});
    soon_times_.erase({waiting.soon, id});
  }
  List(owner);
}

void DecisionQueue::MakeDue(absl::Time now) {
  while (!due_times_.empty() && due_times_.begin()->first <= now) {
    Waiting& waiting = waiting_.at(due_times_.begin()->second);
    CountTurn(waiting, false, now);
    MakeDue(waiting);
  }
}

DecisionQueue::Shortage& DecisionQueue::ShortageOf(const Waiting& waiting) {
  const bool is_lone =
      waiting.owner->sessions.size() == 1 && !waiting.decision.session.empty();
  return is_lone ? lone_sessions_ : waiting.owner->shortage;
}

void DecisionQueue::CountTurn(const Waiting& waiting, bool adapt,
                              absl::Time now) {
  Shortage& shortage = ShortageOf(waiting);
  shortage.shed += kTurnWeight * (!adapt - shortage.shed);
  if (adapt) {
    shortage.withheld -= kTurnWeight * shortage.withheld;
  } else {
    const double served = waiting.session->served / weight_.At(now);
    shortage.served += kTurnWeight * (served - shortage.served);
  }
}

bool DecisionQueue::MustWithhold(const Waiting& waiting, absl::Time now) {
  Shortage& shortage = ShortageOf(waiting);
  if (shortage.shed < kShort || shortage.withheld > kMostWithheld) return false;
  const Entry& decision = waiting.decision;
  const absl::Duration time =
      decision.steps * StepTime(decision, 1, 1, now) + decision.plan_time;
  const double most =
      kUnevenness * shortage.served + absl::ToDoubleSeconds(time) / 2;
  if (waiting.session->served <= most * weight_.At(now)) return false;
  const bool leaves_lane_idle = candidates() == 1;
  if (leaves_lane_idle) {
    shortage.withheld += kTurnWeight * (1 - shortage.withheld);
  }
  return true;
}

void DecisionQueue::MakeDue(Waiting& waiting) {
  Dequeue(waiting);
  waiting.is_due = true;
  Enqueue(waiting);
}

absl::Time DecisionQueue::next_due() const {
  if (!due_.empty()) return absl::InfinitePast();
  return due_times_.empty() ? absl::InfiniteFuture()
                            : due_times_.begin()->first;
}

std::vector<DecisionQueue::Waiting*> DecisionQueue::InOrder(size_t most,
                                                            absl::Time now) {
  std::vector<Waiting*> first;
  if (options_.earliest_first && HasTimeForAll(now)) {
    for (const auto& [soon, id] : soon_times_) {
      if (first.size() == most) return first;
      first.push_back(&waiting_.at(id));
    }
    return first;
  }
  for (const auto& [owner_rank, owner] : with_candidates_) {
    for (const auto& [rank, id] : owner->candidates) {
      if (first.size() == most) return first;
      first.push_back(&waiting_.at(id));
    }
  }
  return first;
}

bool DecisionQueue::HasTimeForAll(absl::Time now) const {
  if (candidates() > kMostPlanned) return false;
  absl::Duration work = absl::ZeroDuration();
  absl::Duration step;
  const StepKind* kind = nullptr;  // `step` is for this kind.
  for (const auto& [soon, id] : soon_times_) {
    const Waiting& waiting = waiting_.at(id);
    const Entry& decision = waiting.decision;
    if (now + work / options_.lanes > waiting.due) return false;
    if (decision.steps > 0 && (kind == nullptr || !(*kind == decision.kind))) {
      step = StepShare(decision, now);
      kind = &decision.kind;
    }
    work += decision.steps * step + decision.plan_time;
  }
  return true;
}

absl::Duration DecisionQueue::StepShare(const Entry& decision,
                                        absl::Time now) const {
  absl::Duration share = StepTime(decision, 1, 1, now);
  for (const int count : {2, 4, 8}) {
    share = std::min(share, StepTime(decision, count, 1, now) / count);
  }
  return share;
}

DecisionQueue::Turn DecisionQueue::Start(uint64_t id, bool adapt) {
  const auto found = waiting_.find(id);
  Dequeue(found->second);
  Waiting running = std::move(found->second);
  waiting_.erase(found);
  Unlist(*running.owner);
  --running.owner->waiting;
  ++running.owner->running;
  List(*running.owner);
  running.adapts = adapt;
  adapting_ += adapt;
  running_.emplace(id, std::move(running));
  return {id, adapt};
}

std::optional<DecisionQueue::Turn> DecisionQueue::Pop(absl::Time now) {
  MakeDue(now);
  if (overdue()) return PopDue(now);
  while (candidates() > 0) {
    Waiting* const best = InOrder(1, now).front();
    const Entry& decision = best->decision;
    if (Fits(decision, StepTime(decision, 1, 1, now), now) &&
        !MustWithhold(*best, now)) {
      CountTurn(*best, true, now);
      return Start(decision.id, true);
    }
    // Steps now take longer than expected when the decision arrived, or its
    // session has had enough service.
    MakeDue(*best);
  }
  return PopDue(now);
}

std::optional<DecisionQueue::Turn> DecisionQueue::PopDue(absl::Time now) {
  MakeDue(now);
  if (with_due_.empty()) return std::nullopt;
  const uint64_t earliest = due_.begin()->second;
  const Owner& owner = *with_due_.begin()->second;
  const auto [deadline, least_served] = *owner.due.begin();
  // Answer the least served owner first, unless all its answers can wait until
  // the one with the earliest deadline is given.
  const absl::Duration work =
      owner.due.size() * waiting_.at(least_served).decision.frozen_time +
      waiting_.at(earliest).decision.frozen_time;
  // If the earliest deadline has passed, only an error is left to answer.
  const bool earliest_is_late = due_.begin()->first < now;
  const bool others_can_wait = now + work + kDueSlack <= deadline;
  return Start(earliest_is_late || others_can_wait ? earliest : least_served,
               false);
}

std::optional<uint64_t> DecisionQueue::Join(absl::Span<const uint64_t> ids,
                                            absl::Time now) {
  MakeDue(now);
  const int count = static_cast<int>(ids.size());
  // Leave at least `count` candidates for each of the other lanes.
  if ((candidates() + count) <= static_cast<size_t>(count * options_.lanes)) {
    return std::nullopt;
  }
  const Entry& leader = running_.at(ids.front()).decision;
  const absl::Duration step = StepTime(leader, count + 1, 1, now);
  const StepPrior& prior = leader.prior_step;
  const bool hardly_adds = prior.further <= kHardlyAdds * prior.one;
  if (!hardly_adds && step > options_.longest_joint_step) return std::nullopt;
  for (const uint64_t id : ids) {
    if (!Fits(running_.at(id).decision, step, now)) return std::nullopt;
  }
  for (Waiting* waiting : InOrder(kMostLookedAt, now)) {
    const Entry& decision = waiting->decision;
    if (decision.steps > 0 && decision.kind == leader.kind &&
        Fits(decision, step, now)) {
      CountTurn(*waiting, true, now);
      return Start(decision.id, true).id;
    }
  }
  return std::nullopt;
}

std::optional<DecisionQueue::Turn> DecisionQueue::PopUrgent(uint64_t id,
                                                            int steps_left,
                                                            absl::Time now) {
  if (!options_.interrupts) return std::nullopt;
  MakeDue(now);
  const Waiting& running = running_.at(id);
  const absl::Time end =
      now + steps_left * StepTime(running.decision, 1, 1, now);
  // List the owners before the loop, since making a decision due changes the
  // sets.
  std::vector<Owner*> owners;
  for (const auto& [rank, owner] : with_candidates_) {
    if (rank.first > running.owner->served || owners.size() == kMostLookedAt) {
      break;
    }
    owners.push_back(owner);
  }
  for (Owner* const owner : owners) {
    while (!owner->candidates.empty()) {
      // The least served session's decision, or if that can wait, the first
      // due.
      Waiting* best = &waiting_.at(owner->candidates.begin()->second);
      if (best->due >= end) {
        best = &waiting_.at(owner->due_times.begin()->second);
      }
      const bool less_served =
          owner == running.owner
              ? best->session->served < running.session->served
              : owner->served < running.owner->served;
      if (!less_served || best->due >= end) break;
      const Entry& decision = best->decision;
      if (Fits(decision, StepTime(decision, 1, 1, now), now)) {
        CountTurn(*best, true, now);
        return Start(decision.id, true);
      }
      MakeDue(*best);
    }
  }
  return std::nullopt;
}

bool DecisionQueue::MayStep(uint64_t id, int count, int threads,
                            absl::Time now) const {
  const Entry& decision = running_.at(id).decision;
  return Fits(decision, StepTime(decision, count, threads, now), now);
}

void DecisionQueue::CountStep(absl::Span<const uint64_t> ids, int threads,
                              absl::Duration taken, bool whole,
                              absl::Time now) {
  const int count = static_cast<int>(ids.size());
  const Entry& first = running_.at(ids.front()).decision;
  if (whole) {
    step_times_.Learn(first.kind, count, threads, taken, now);
  } else {
    step_times_.LearnCut(first.kind, count, threads, taken, first.prior_step,
                         now);
  }
  for (const uint64_t id : ids) {
    const Waiting& running = running_.at(id);
    const absl::Duration alone =
        whole ? StepTime(running.decision, 1, 1, now) : taken;
    Charge(running, threads * taken / count, alone, now);
  }
}

void DecisionQueue::CountOther(uint64_t id, absl::Duration taken,
                               absl::Time now) {
  Charge(running_.at(id), taken, taken, now);
}

void DecisionQueue::Charge(const Waiting& running, absl::Duration used,
                           absl::Duration alone, absl::Time now) {
  work_.Count(running.decision.session.empty() ? nullptr : running.session,
              used, now);
  const double weight = weight_.At(now);
  Unlist(*running.owner);
  running.owner->served += absl::ToDoubleSeconds(used) * weight;
  running.session->served += absl::ToDoubleSeconds(alone) * weight;
  List(*running.owner);
}

void DecisionQueue::Finish(uint64_t id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  --found->second.owner->running;
  --found->second.session->decisions;
  adapting_ -= found->second.adapts;
  running_.erase(found);
}

bool DecisionQueue::Remove(uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return false;
  Waiting& waiting = found->second;
  Dequeue(waiting);
  Unlist(*waiting.owner);
  --waiting.owner->waiting;
  List(*waiting.owner);
  --waiting.session->decisions;
  waiting_.erase(found);
  return true;
}

void DecisionQueue::Rebase(absl::Time now) {
  const double divisor = weight_.Rebase(now);
  with_candidates_.clear();
  with_due_.clear();
  by_waiting_.clear();
  for (const auto& [name, each] : owners_) {
    Owner& owner = *each;
    owner.served /= divisor;
    for (const auto& [id, session] : owner.sessions) session->served /= divisor;
    std::set<std::pair<Rank, uint64_t>> candidates;
    for (const auto& [rank, id] : owner.candidates) {
      Waiting& waiting = waiting_.at(id);
      waiting.rank.first /= divisor;
      candidates.insert({waiting.rank, id});
    }
    owner.candidates.swap(candidates);
    List(owner);
  }
}

void DecisionQueue::Forget(absl::Time now) {
  const double least = kForgotten * weight_.At(now);
  known_ = 0;
  for (auto it = owners_.begin(); it != owners_.end();) {
    Owner& owner = *it->second;
    absl::erase_if(owner.sessions, [&](const auto& each) {
      return each.second->decisions == 0 && each.second->served < least;
    });
    if (owner.sessions.empty() && owner.served < least) {
      owners_.erase(it++);  // Not listed: it has no decisions.
    } else {
      known_ += 1 + owner.sessions.size();
      ++it;
    }
  }
  most_known_ = 2 * known_ + kFewKnown;
}

}  // namespace foresight
