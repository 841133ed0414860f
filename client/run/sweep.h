// Tries many settings of the adaptation on the same episodes.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/run/comparison.h"
#include "client/run/options.h"
#include "foresight/adaptation_client.h"
#include "proto/adaptation.pb.h"

namespace foresight {

inline constexpr int kMostTrials = 1000;

// Reads the settings in a sweep's JSON text. Each has only the fields that the
// text sets, named as in adaptation.proto:
//   {"grid": {"horizon": [3, 5], "step_size": [1e-5, 3e-5]},
//    "try": [{"steps": 5, "step_size": 1e-4}]}
// "grid" gives every combination of its values, where the last field changes
// fastest; "try" lists settings. Either may be left out.
// Errors: InvalidArgument: the text is not such JSON, a field is not one of the
// settings, or there are no settings or more than kMostTrials.
absl::StatusOr<std::vector<v1::AdaptationSettings>> ParseSweep(
    const std::string& text);

// The frozen policy and one variant of the settings on the same seeds.
struct SweepTrial {
  v1::AdaptationSettings asked;  // Only what the sweep set.
  Comparison comparison;
};

// Plays the frozen policy once, then each of `settings`, which override those
// of `options`. Every trial has the same seeds. Trials are in the order of
// `settings`.
// Errors: Play's.
absl::StatusOr<std::vector<SweepTrial>> PlaySweep(
    const AdaptationClient& client, const RunOptions& options,
    const std::vector<v1::AdaptationSettings>& settings,
    Cancellation& cancellation);

// The index of the trial with the largest mean difference; the first if several
// are equal.
size_t BestTrial(const std::vector<SweepTrial>& trials);

}  // namespace foresight
