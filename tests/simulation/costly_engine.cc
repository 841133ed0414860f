#include "tests/simulation/costly_engine.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace foresight {
namespace {

constexpr int kActionSize = 2;
// An engine looks at deadlines this many times in a step.
constexpr int kBlocksPerStep = 8;

}  // namespace

class CostlyEngine::CostlyBatch : public Batch {
 public:
  CostlyBatch(const CostlyEngine& engine, std::unique_ptr<Batch> batch)
      : engine_(engine), batch_(std::move(batch)) {}

  bool Admit(Problem* problem) override {
    if (!batch_->Admit(problem)) return false;
    const bool alone = engine_.in_use_.insert(problem->parameters).second;
    engine_.work_.shared_parameters += !alone;
    return true;
  }

  bool WantsStep(const Problem& problem) const override {
    return batch_->WantsStep(problem);
  }

  void Step(absl::Span<Problem* const> which) override {
    const absl::Duration full =
        engine_.Draw(static_cast<int>(which.size()),
                     which[0]->settings.horizon) +
        std::exchange(engine_.delay_, absl::ZeroDuration());
    std::vector<int> before;
    for (const Problem* problem : which) {
      before.push_back(problem->timing.whole_steps);
    }
    engine_.clock_->ahead = full;
    batch_->Step(which);
    engine_.clock_->ahead = absl::ZeroDuration();

    absl::Duration taken;
    for (size_t i = 0; i < which.size(); ++i) {
      const bool whole = which[i]->timing.whole_steps > before[i];
      taken = std::max(taken, whole ? full : TimeUntilCut(*which[i], full));
    }
    Work& work = engine_.work_;
    for (size_t i = 0; i < which.size(); ++i) {
      StepTiming& timing = which[i]->timing;
      const bool whole = timing.whole_steps > before[i];
      const absl::Duration share = taken / static_cast<int>(which.size());
      if (whole) {
        timing.whole += full;
        timing.last = full;
        work.whole += share;
      } else {
        timing.cut = std::max(taken, absl::Nanoseconds(1));
        work.dropped += share;
      }
    }
    ++work.steps;
    work.longest_step = std::max(work.longest_step, taken);
    engine_.taken_ = taken;
  }

  void Retire(absl::Span<Problem* const> which) override {
    for (const Problem* problem : which) {
      engine_.in_use_.erase(problem->parameters);
    }
    batch_->Retire(which);
  }

 private:
  absl::Duration TimeUntilCut(const Problem& problem,
                              absl::Duration full) const {
    if (problem.cancelled != nullptr && *problem.cancelled) {
      return absl::ZeroDuration();
    }
    const absl::Duration left =
        std::max(problem.deadline - engine_.clock_->now, absl::ZeroDuration());
    return std::min(full, left + full / kBlocksPerStep);
  }

  const CostlyEngine& engine_;
  const std::unique_ptr<Batch> batch_;
};

CostlyEngine::CostlyEngine(StepCosts costs, int batch_limit, uint64_t seed,
                           VirtualClock* clock)
    : FakeEngine(kActionSize, batch_limit,
                 [clock] { return clock->now + clock->ahead; }),
      costs_(costs),
      clock_(clock),
      random_(seed) {}

std::unique_ptr<Batch> CostlyEngine::NewBatch() const {
  return std::make_unique<CostlyBatch>(*this, FakeEngine::NewBatch());
}

absl::Duration CostlyEngine::Draw(int count, int horizon) const {
  std::normal_distribution<double> noise(1, costs_.noise);
  std::uniform_real_distribution<double> uniform(0, 1);
  double factor = std::clamp(noise(random_), 0.5, 1.5);
  if (uniform(random_) < costs_.stalls) {
    factor *= 1 + (costs_.longest_stall - 1) * uniform(random_);
  }
  return slowness_ * factor * horizon / costs_.horizon *
         (costs_.base + count * costs_.per_row);
}

}  // namespace foresight
