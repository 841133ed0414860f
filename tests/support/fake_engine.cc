#include "tests/support/fake_engine.h"

#include <cmath>
#include <map>
#include <utility>

#include "absl/status/status.h"

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
  explicit FakeBatch(const FakeEngine* engine) : engine_(engine) {}

  bool Admit(Problem* problem) override {
    ++engine_->decisions_;
    engine_->last_workers_ =
        problem->workers == nullptr ? 0 : problem->workers->size();
    if (std::abs(problem->observation[0]) > 1e30f) {
      problem->decision_or =
          absl::InvalidArgumentError("the frozen action is not finite");
      return false;
    }
    Member& member = members_[problem];
    const auto& psi = static_cast<FakeParameters&>(*problem->parameters).psi;
    member.psi = problem->settings.mode == Mode::kReset ? 0 : psi;
    engine_->CountRunning(1);
    return true;
  }

  bool WantsStep(const Problem& problem) const override {
    const Member& member = members_.at(&problem);
    return member.passed.ok() && *member.passed &&
           member.steps < problem.settings.steps;
  }

  void Step(absl::Span<Problem* const> which) override {
    for (Problem* const problem : which) {
      Member& member = members_.at(problem);
      member.passed = engine_->PassGate(*problem);
      problem->step_was_cut = !member.passed.ok() || !*member.passed;
      if (problem->step_was_cut) continue;
      ++member.steps;
      ++engine_->steps_;
      member.psi += 1;
    }
  }

  void Retire(absl::Span<Problem* const> which) override {
    for (Problem* const problem : which) {
      const Member member = members_.at(problem);
      members_.erase(problem);
      if (IsCancelled(*problem)) {
        problem->decision_or = absl::CancelledError("cancelled");
      } else {
        End(*problem, member.psi, member.steps);
      }
      engine_->CountRunning(-1);
    }
  }

 private:
  struct Member {
    float psi = 0;
    int steps = 0;
    absl::StatusOr<bool> passed = true;
  };

  void End(Problem& problem, float psi, int steps) {
    Decision decision;
    Report& report = decision.report;
    report.steps_requested = problem.settings.steps;
    report.steps_done = steps;
    report.outcome = steps == 0                        ? Outcome::kFrozen
                     : steps == problem.settings.steps ? Outcome::kAdapted
                                                       : Outcome::kTruncated;
    report.drift = psi;
    if (problem.report_objective_after) report.objective_after = 1;
    decision.action.assign(
        engine_->action_size_,
        Action(problem.observation[0], psi, problem.seed, problem.decision));
    static_cast<FakeParameters&>(*problem.parameters).psi =
        problem.settings.mode == Mode::kReset ? 0 : psi;
    problem.decision_or = std::move(decision);
  }

  const FakeEngine* const engine_;
  std::map<const Problem*, Member> members_;
};

std::unique_ptr<Batch> FakeEngine::NewBatch() const {
  return std::make_unique<FakeBatch>(this);
}

void FakeEngine::Adapt(absl::Span<Problem> problems) const {
  FakeBatch batch(this);
  for (Problem& problem : problems) {
    Problem* const one = &problem;
    if (!batch.Admit(one)) continue;
    while (batch.WantsStep(problem)) batch.Step({&one, 1});
    batch.Retire({&one, 1});
  }
}

void FakeEngine::CountRunning(int change) const {
  absl::MutexLock lock(&mutex_);
  running_ += change;
}

absl::StatusOr<bool> FakeEngine::PassGate(const Problem& problem) const {
  absl::MutexLock lock(&mutex_);
  while (true) {
    if (IsCancelled(problem)) return absl::CancelledError("cancelled");
    if (clock_() >= problem.deadline) return false;
    if (!held_) return true;
    if (passes_ > 0) {
      --passes_;
      return true;
    }
    // Neither flag nor deadline wakes anyone, so it looks again by itself.
    mutex_.AwaitWithTimeout(
        absl::Condition(
            +[](const FakeEngine* engine) ABSL_NO_THREAD_SAFETY_ANALYSIS {
              return !engine->held_ || engine->passes_ > 0;
            },
            this),
        absl::Milliseconds(1));
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

bool FakeEngine::AwaitRunning(int count) const {
  absl::MutexLock lock(&mutex_);
  const auto reached = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return running_ == count;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(30));
}

}  // namespace foresight
