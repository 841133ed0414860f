#include "server/decisions/decision_lane.h"

#include <algorithm>
#include <utility>

namespace foresight {
namespace {

// Limits the groups that are set aside, since each keeps its decisions' memory.
constexpr size_t kMostSetAside = 2;

}  // namespace

void DecisionLane::Run(Scheduler::Turn turn) {
  Begin(std::move(turn));
  while (Prepare()) {
    const absl::Time begin = scheduler_->now();
    Step();
    Complete(scheduler_->now() - begin);
  }
}

void DecisionLane::Begin(Scheduler::Turn turn) {
  const auto& call = static_cast<const DecisionCall&>(*turn.task);
  Group& group = groups_.emplace_back();
  group.model = call.work_.model;
  group.batch = group.model->engine->TakeBatch();
  // Helpers wake up while the frozen action is computed.
  if (turn.adapt && scheduler_->SplitThreads() > 1) scheduler_->CallHelpers();
  Admit(group, std::move(turn));
}

void DecisionLane::Admit(Group& group, Scheduler::Turn turn) {
  Member member;
  member.call = std::static_pointer_cast<DecisionCall>(std::move(turn.task));
  member.id = turn.id;
  member.may_step = turn.adapt;
  if (!turn.adapt && member.call->plans_in_turn_only_) {
    member.call->problem_.plan_length = 0;
  }
  member.steps_left = member.call->work_.settings.steps;
  member.call->begun_ = scheduler_->now();
  member.call->state_ = DecisionCall::State::kRunning;
  if (group.batch == nullptr) {
    member.call->problem_.decision_or =
        absl::ResourceExhaustedError("no memory for a decision");
  } else if (group.batch->Admit(&member.call->problem_)) {
    group.members.push_back(std::move(member));
    return;
  }
  settle_(member.call);
  scheduler_->Finish(member.id);
}

bool DecisionLane::Prepare() {
  while (!groups_.empty()) {
    Group& group = groups_.back();
    if (LetUrgentGoFirst(group)) continue;
    // Decisions that are set aside may run out of time.
    for (Group& each : groups_) RetireDone(each);
    if (group.members.empty()) {
      if (group.batch != nullptr) {
        group.model->engine->KeepBatch(std::move(group.batch));
      }
      groups_.pop_back();
      continue;
    }
    Recruit(group);
    stepping_.clear();
    ids_.clear();
    for (const Member& member : group.members) {
      stepping_.push_back(&member.call->problem_);
      ids_.push_back(member.id);
    }
    threads_ = stepping_.size() == 1 ? workers_->size() : 1;
    if (threads_ > 1 && !scheduler_->MayStep(ids_[0], 1, threads_)) {
      threads_ = 1;
    }
    return true;
  }
  return false;
}

bool DecisionLane::LetUrgentGoFirst(const Group& group) {
  if (group.members.empty() || groups_.size() > kMostSetAside) return false;
  const Member& first = group.members.front();
  // It has just got its turn: it makes one step before it may be interrupted.
  if (first.steps_left == first.call->work_.settings.steps) return false;
  auto urgent = scheduler_->TakeUrgent(first.id, first.steps_left);
  if (!urgent) return false;
  Begin(*std::move(urgent));
  return true;
}

void DecisionLane::RetireDone(Group& group) {
  const int count = static_cast<int>(group.members.size());
  const auto first_done = std::stable_partition(
      group.members.begin(), group.members.end(), [&](const Member& member) {
        return member.may_step &&
               group.batch->WantsStep(member.call->problem_) &&
               scheduler_->MayStep(member.id, count, 1);
      });
  const std::vector<Member> done(first_done, group.members.end());
  group.members.erase(first_done, group.members.end());
  for (const Member& member : done) Retire(group, member);
}

void DecisionLane::Retire(Group& group, const Member& member) {
  Problem* const problem = &member.call->problem_;
  const absl::Time begin = scheduler_->now();
  group.batch->Retire(absl::MakeConstSpan(&problem, 1));
  settle_(member.call);
  scheduler_->CountOther(member.id, scheduler_->now() - begin);
  scheduler_->Finish(member.id);
}

void DecisionLane::Recruit(Group& group) {
  const size_t limit = group.model->engine->BatchLimit(
      group.members.front().call->work_.settings);
  while (group.members.size() < limit) {
    ids_.clear();
    for (const Member& member : group.members) ids_.push_back(member.id);
    auto turn = scheduler_->Join(ids_);
    if (!turn) return;
    Admit(group, *std::move(turn));
    if (group.members.size() == ids_.size()) continue;  // Refused.
    const Member& newest = group.members.back();
    if (group.batch->WantsStep(newest.call->problem_)) continue;
    Retire(group, newest);
    group.members.pop_back();
  }
}

void DecisionLane::Step() { groups_.back().batch->Step(stepping_); }

void DecisionLane::Complete(absl::Duration taken) {
  Group& group = groups_.back();
  bool whole = true;
  for (Member& member : group.members) {
    --member.steps_left;
    whole &= member.call->problem_.timing.cut == absl::ZeroDuration();
  }
  scheduler_->CountStep(ids_, threads_, taken, whole);
}

}  // namespace foresight
