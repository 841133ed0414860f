#include "tests/simulation/machine.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "tests/support/random_bundle.h"

namespace foresight {

Machine::Machine(Options options)
    : options_(options),
      busy_(options.queue.lanes + 1),
      taken_from_(options.queue.lanes + 1),
      random_(options.seed) {
  const auto bundle = std::make_shared<const Bundle>(RandomBundle());
  horizon_ = bundle->defaults().horizon;
  StepCosts costs = options_.costs;
  costs.horizon = horizon_;
  engine_ = std::make_shared<CostlyEngine>(costs, options_.batch_limit,
                                           options_.seed, &clock_);
  LoadedModel model;
  model.bundle = bundle;
  model.engine = engine_;
  model.frozen_time = options_.frozen_time;
  model.default_step_time = options_.prior * (costs.base + costs.per_row);
  model.id = 1;
  if (!models_.Add(std::move(model)).ok()) std::abort();

  Scheduler::Options scheduling;
  scheduling.queue = options_.queue;
  scheduling.clock = read_;
  scheduling.threads = false;
  scheduler_ = std::make_unique<Scheduler>(scheduling);
  maker_ = std::make_unique<DecisionMaker>(
      DecisionMaker::Options(),
      DecisionMaker::Parts{&models_, &sessions_, &keeper_, scheduler_.get(),
                           &timer_, &metrics_});
  operations_ = std::make_unique<SessionOperations>(
      SessionOperations::Options(), &models_, &sessions_, &keeper_, &metrics_,
      read_);
}

Machine::~Machine() { scheduler_.reset(); }

void Machine::At(absl::Time when, std::function<void()> action) {
  events_.emplace(when, std::move(action));
}

absl::Time Machine::NextEvent() const {
  absl::Time next = timer_.next();
  if (!events_.empty()) next = std::min(next, events_.begin()->first);
  if (!busy_[express()]) next = std::min(next, scheduler_->next_due());
  return next;
}

void Machine::RunUntil(absl::Time end) {
  Dispatch();
  while (true) {
    const absl::Time next = NextEvent();
    if (next > end) break;
    clock_.now = std::max(clock_.now, next);
    timer_.RunDue();
    if (!events_.empty() && events_.begin()->first <= clock_.now) {
      const auto action = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      action();
    }
    ++events_run_;
    Dispatch();
  }
  clock_.now = end;
}

void Machine::Dispatch() {
  while (!busy_[express()] && scheduler_->next_due() <= clock_.now) {
    if (!TakeTurn(express())) break;
  }
  for (int lane = 0; lane < lanes() && scheduler_->size() > 0; ++lane) {
    while (!busy_[lane] && TakeTurn(lane)) {
    }
  }
}

bool Machine::TakeTurn(int lane) {
  std::optional<Scheduler::Turn> turn =
      lane == express() ? scheduler_->TakeDue() : scheduler_->Take();
  if (!turn) return false;
  if (!maker_->Ready(*turn)) return true;
  const bool adapt = turn->adapt;
  busy_[lane] = true;
  maker_->lane(lane).Begin(*std::move(turn));
  if (adapt) {
    Advance(lane);
  } else {
    At(clock_.now + options_.frozen_time, [this, lane] { Advance(lane); });
  }
  return true;
}

void Machine::Advance(int lane) {
  DecisionLane& decisions = maker_->lane(lane);
  busy_[lane] = decisions.Prepare();
  if (!busy_[lane]) return;
  engine_->Delay(std::exchange(taken_from_[lane], absl::ZeroDuration()));
  decisions.Step();
  const absl::Duration taken = engine_->taken();
  At(clock_.now + taken, [this, lane, taken] {
    maker_->lane(lane).Complete(options_.told * taken);
    Advance(lane);
  });
}

v1::AdaptationSettings Machine::Settings(int steps, int cost) const {
  v1::AdaptationSettings settings;
  settings.set_steps(steps);
  settings.set_horizon(horizon_ * cost);
  return settings;
}

absl::Status Machine::Open(const std::string& session, int steps, int cost) {
  v1::OpenSessionRequest request;
  request.set_session_id(session);
  request.set_seed(7);
  *request.mutable_settings() = Settings(steps, cost);
  return operations_->Open(request).status();
}

absl::Status Machine::Close(const std::string& session) {
  v1::CloseSessionRequest request;
  request.set_session_id(session);
  return operations_->Close(request);
}

void Machine::After(absl::Duration time, std::function<void()> action) {
  if (time == absl::ZeroDuration()) return action();
  const int lane = std::uniform_int_distribution<>(0, lanes() - 1)(random_);
  const bool core_is_free = std::find(busy_.begin(), busy_.begin() + lanes(),
                                      false) != busy_.begin() + lanes();
  if (!core_is_free) taken_from_[lane] += time;
  At(clock_.now + time, std::move(action));
}

DecisionMaker::Call Machine::Ask(v1::ActRequest request,
                                 const std::string& owner, absl::Time deadline,
                                 DecisionCall::Done done) {
  const absl::Duration half =
      std::uniform_real_distribution<>()(random_) *
          (options_.longest_call - options_.shortest_call) / 2 +
      options_.shortest_call / 2;
  auto call = std::make_shared<DecisionCall>(
      std::move(request), Caller{"", owner}, clock_.now + half, deadline,
      [this, half, done = std::move(done)](const DecisionCall::Answer& answer) {
        After(half, [done, answer] { done(answer); });
      });
  After(half, [this, call] { maker_->Start(call); });
  return call;
}

}  // namespace foresight
