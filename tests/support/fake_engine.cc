#include "tests/support/fake_engine.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"

namespace foresight {
namespace {

class FakeParameters : public PolicyParameters {
 public:
  explicit FakeParameters(std::shared_ptr<std::atomic<int>> alive)
      : alive_(std::move(alive)) {
    ++*alive_;
  }
  ~FakeParameters() override { --*alive_; }

  std::unique_ptr<PolicyParameters> Clone() const override {
    auto copy = std::make_unique<FakeParameters>(alive_);
    copy->psi = psi;
    return copy;
  }
  size_t owned_bytes() const override { return psi == 0 ? 0 : sizeof(psi); }
  std::vector<float> Export() const override { return {psi}; }
  absl::Status Import(absl::Span<const float> values) override {
    if (values.size() != 1) return absl::InvalidArgumentError("not one value");
    psi = values[0];
    return absl::OkStatus();
  }

  float psi = 0;

 private:
  std::shared_ptr<std::atomic<int>> alive_;
};

bool IsCancelled(const Problem& problem) {
  return problem.cancelled != nullptr && *problem.cancelled;
}

}  // namespace

std::unique_ptr<PolicyParameters> FakeEngine::NewParameters() const {
  return std::make_unique<FakeParameters>(alive_);
}

float FakeEngine::Action(float observation, float psi, uint64_t seed,
                         uint64_t decision) {
  return std::tanh(observation + psi / 8 + seed / 64.f + decision / 512.f);
}

class FakeEngine::FakeBatch : public Batch {
 public:
  explicit FakeBatch(const FakeEngine& engine) : engine_(engine) {}

  bool Admit(Problem* problem) override {
    problem->timing = StepTiming();
    if (std::abs(problem->observation[0]) > 1e30f) {
      problem->decision_or =
          absl::InvalidArgumentError("the frozen action is not finite");
      return false;
    }
    ++engine_.decisions_;
    engine_.last_workers_ =
        problem->workers == nullptr ? 0 : problem->workers->size();
    State& state = states_[problem];
    if (!IsReset(*problem)) state.psi = ParametersOf(*problem).psi;
    absl::MutexLock lock(&engine_.mutex_);
    ++engine_.running_;
    engine_.last_deadline_ = problem->deadline;
    return true;
  }

  bool WantsStep(const Problem& problem) const override {
    const auto found = states_.find(&problem);
    return found != states_.end() && found->second.stepping &&
           found->second.steps < problem.settings.steps;
  }

  void Step(absl::Span<Problem* const> which) override {
    ++engine_.step_calls_;
    engine_.widest_step_ = std::max<int>(engine_.widest_step_, which.size());
    for (Problem* problem : which) StepOne(*problem);
  }

  void Retire(absl::Span<Problem* const> which) override {
    for (Problem* problem : which) {
      const State state = states_[problem];
      states_.erase(problem);
      problem->decision_or = Decide(*problem, state);
      absl::MutexLock lock(&engine_.mutex_);
      --engine_.running_;
    }
  }

 private:
  struct State {
    float psi = 0;
    int steps = 0;
    bool stepping = true;
    absl::Status status;
  };

  static FakeParameters& ParametersOf(const Problem& problem) {
    return static_cast<FakeParameters&>(*problem.parameters);
  }
  static bool IsReset(const Problem& problem) {
    return problem.settings.mode == Mode::kReset;
  }

  void StepOne(Problem& problem) {
    State& state = states_[&problem];
    const absl::Time begin = engine_.clock()();
    const absl::StatusOr<bool> passed = engine_.PassGate(problem);
    const absl::Duration taken = engine_.clock()() - begin;
    if (!passed.ok() || !*passed) {
      state.status = passed.status();
      state.stepping = false;
      problem.timing.cut = taken;
      return;
    }
    problem.timing.whole += taken;
    problem.timing.last = taken;
    ++problem.timing.whole_steps;
    ++state.steps;
    ++engine_.steps_;
    state.psi += 1;
  }

  absl::StatusOr<Decision> Decide(const Problem& problem,
                                  const State& state) const {
    if (!state.status.ok()) return state.status;
    Decision decision;
    Report& report = decision.report;
    report.steps_requested = problem.settings.steps;
    report.steps_done = state.steps;
    report.outcome = state.steps == 0 ? Outcome::kFrozen
                     : state.steps == report.steps_requested
                         ? Outcome::kAdapted
                         : Outcome::kTruncated;
    report.drift = state.psi;
    if (problem.report_objective_after) report.objective_after = 1;
    decision.action.assign(engine_.action_size_,
                           Action(problem.observation[0], state.psi,
                                  problem.seed, problem.decision));
    for (int row = 1; row <= problem.plan_length; ++row) {
      decision.plan.insert(decision.plan.end(), engine_.action_size_,
                           Action(problem.observation[0] + row, state.psi,
                                  problem.seed, problem.decision));
    }
    ParametersOf(problem).psi = IsReset(problem) ? 0 : state.psi;
    return decision;
  }

  const FakeEngine& engine_;
  std::map<const Problem*, State> states_;
};

std::unique_ptr<Batch> FakeEngine::NewBatch() const {
  return std::make_unique<FakeBatch>(*this);
}

bool FakeEngine::SideBySide(const Problem& a, const Problem& b) const {
  return a.settings.horizon == b.settings.horizon &&
         a.settings.particles == b.settings.particles;
}

absl::StatusOr<bool> FakeEngine::PassGate(const Problem& problem) const {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (IsCancelled(problem)) return absl::CancelledError("cancelled");
      if (!failure_.ok()) return failure_;
      if (clock()() >= problem.deadline) return false;
      if (!held_) return true;
      if (passes_ > 0) {
        --passes_;
        return true;
      }
    }
    // Polls, since neither flag nor deadline wakes a thread. A timed wait for
    // the mutex would follow the wall clock, which may jump.
    absl::SleepFor(absl::Microseconds(200));
  }
}

void FakeEngine::Hold() {
  absl::MutexLock lock(&mutex_);
  held_ = true;
  passes_ = 0;
}

void FakeEngine::Release() {
  absl::MutexLock lock(&mutex_);
  held_ = false;
}

void FakeEngine::Release(int steps) {
  absl::MutexLock lock(&mutex_);
  passes_ += steps;
}

void FakeEngine::Fail(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  failure_ = std::move(status);
}

bool FakeEngine::AwaitRunning(int count) const {
  absl::MutexLock lock(&mutex_);
  const auto reached = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return running_ == count;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(30));
}

}  // namespace foresight
