#include "server/scheduling/step_times.h"

#include <algorithm>
#include <cmath>

namespace foresight {
namespace {

constexpr double kNewest = 0.1;  // Weight of the newest measurement.
// One outlier, such as a thread that lost its core for long, counts as this
// many times the mean.
constexpr double kLargest = 3;
constexpr absl::Duration kFresh = absl::Milliseconds(200);
constexpr absl::Duration kHalving = absl::Milliseconds(100);
// Clients choose the settings, so the table must not grow with them for ever.
constexpr size_t kMostKinds = 4096;

}  // namespace

StepTimes::Estimate& StepTimes::Find(const Key& key) {
  if (estimates_.size() >= kMostKinds && !estimates_.contains(key)) {
    estimates_.clear();
  }
  return estimates_[key];
}

void StepTimes::Learn(const StepKind& kind, int count, int threads,
                      absl::Duration taken, absl::Time now) {
  Estimate& estimate = Find({kind, count, threads});
  estimate.learnt = now;
  if (estimate.mean == absl::ZeroDuration()) {
    estimate.mean = taken;
    estimate.deviation = taken / 8;
    return;
  }
  taken = std::min(taken, kLargest * estimate.mean);
  const absl::Duration off = absl::AbsDuration(taken - estimate.mean);
  estimate.mean += kNewest * (taken - estimate.mean);
  estimate.deviation += kNewest * (off - estimate.deviation);
}

void StepTimes::LearnCut(const StepKind& kind, int count, int threads,
                         absl::Duration taken, absl::Time now) {
  Estimate& estimate = Find({kind, count, threads});
  estimate.learnt = now;
  estimate.mean = std::max(estimate.mean, taken);
}

absl::Duration StepTimes::Expect(const StepKind& kind, int count, int threads,
                                 absl::Duration prior, absl::Time now) const {
  const auto found = estimates_.find(Key{kind, count, threads});
  if (found == estimates_.end()) {
    if (count == 1) return prior;
    return count * Expect(kind, 1, threads, prior, now);
  }
  const Estimate& estimate = found->second;
  absl::Duration expected = estimate.mean + estimate.deviation;
  const absl::Duration age = now - estimate.learnt - kFresh;
  if (age > absl::ZeroDuration() && expected > prior) {
    expected = prior + std::exp2(-absl::FDivDuration(age, kHalving)) *
                           (expected - prior);
  }
  return expected;
}

}  // namespace foresight
