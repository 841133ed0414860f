#include "server/scheduling/step_times.h"

#include <algorithm>
#include <cmath>

namespace foresight {
namespace {

constexpr double kNewest = 0.1;  // Weight of the newest measurement.
// A cut step weighs more, since it was wasted work. But most cut steps are
// outliers, and one outlier must not prevent later steps that would end in
// time.
constexpr double kCut = 0.25;
// An outlier, such as a thread that lost its core for long, counts as at most
// this many times the mean.
constexpr double kLargest = 3;
constexpr absl::Duration kFresh = absl::Milliseconds(200);
constexpr absl::Duration kHalving = absl::Milliseconds(100);
// Limits the table, since clients choose the settings.
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
  Learn(Find({kind, count, threads}), taken, kNewest, now);
}

void StepTimes::LearnCut(const StepKind& kind, int count, int threads,
                         absl::Duration taken, StepPrior prior,
                         absl::Time now) {
  if (taken <= Expect(kind, count, threads, prior, now)) return;
  Estimate& estimate = Find({kind, count, threads});
  if (estimate.mean == absl::ZeroDuration()) {
    estimate.mean = prior.Of(count);
  }
  Learn(estimate, taken, kCut, now);
}

void StepTimes::Learn(Estimate& estimate, absl::Duration taken, double weight,
                      absl::Time now) {
  estimate.learnt = now;
  if (estimate.mean == absl::ZeroDuration()) {
    estimate.mean = taken;
    estimate.deviation = taken / 8;
    return;
  }
  taken = std::min(taken, kLargest * estimate.mean);
  const absl::Duration off = absl::AbsDuration(taken - estimate.mean);
  estimate.mean += weight * (taken - estimate.mean);
  estimate.deviation += weight * (off - estimate.deviation);
}

absl::Duration StepTimes::Expect(const StepKind& kind, int count, int threads,
                                 StepPrior prior, absl::Time now) const {
  const auto found = estimates_.find(Key{kind, count, threads});
  if (found == estimates_.end()) {
    if (count == 1) return prior.one;
    prior.one = Expect(kind, 1, threads, prior, now);
    return prior.Of(count);
  }
  const Estimate& estimate = found->second;
  absl::Duration expected = estimate.mean + estimate.deviation;
  const absl::Duration age = now - estimate.learnt - kFresh;
  const absl::Duration excess = expected - prior.Of(count);
  if (age > absl::ZeroDuration() && excess > absl::ZeroDuration()) {
    expected -= (1 - std::exp2(-absl::FDivDuration(age, kHalving))) * excess;
  }
  return expected;
}

}  // namespace foresight
