#include "tests/support/fake_engine.h"

#include <cmath>
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

void FakeEngine::Adapt(absl::Span<Problem> problems) const {
  for (Problem& problem : problems) {
    ++decisions_;
    last_workers_ = problem.workers == nullptr ? 0 : problem.workers->size();
    {
      absl::MutexLock lock(&mutex_);
      ++running_;
    }
    problem.decision_or = Decide(problem);
    absl::MutexLock lock(&mutex_);
    --running_;
  }
}

absl::StatusOr<Decision> FakeEngine::Decide(const Problem& problem) const {
  if (std::abs(problem.observation[0]) > 1e30f) {
    return absl::InvalidArgumentError("the frozen action is not finite");
  }
  auto& parameters = static_cast<FakeParameters&>(*problem.parameters);
  const bool reset = problem.settings.mode == Mode::kReset;
  float psi = reset ? 0 : parameters.psi;
  Decision decision;
  Report& report = decision.report;
  report.steps_requested = problem.settings.steps;
  while (report.steps_done < report.steps_requested) {
    const absl::StatusOr<bool> passed = PassGate(problem);
    if (!passed.ok()) return passed.status();
    if (!*passed) break;
    ++report.steps_done;
    ++steps_;
    psi += 1;
  }
  const bool whole = report.steps_done == report.steps_requested;
  report.outcome = report.steps_done == 0 ? Outcome::kFrozen
                   : whole                ? Outcome::kAdapted
                                          : Outcome::kTruncated;
  report.drift = psi;
  if (problem.report_objective_after) report.objective_after = 1;
  decision.action.assign(action_size_, Action(problem.observation[0], psi,
                                              problem.seed, problem.decision));
  parameters.psi = reset ? 0 : psi;
  return decision;
}

absl::StatusOr<bool> FakeEngine::PassGate(const Problem& problem) const {
  absl::MutexLock lock(&mutex_);
  while (true) {
    if (IsCancelled(problem)) return absl::CancelledError("cancelled");
    if (absl::Now() >= problem.deadline) return false;
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
