// Many settings of the adaptation, tried on the same episodes.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/adaptation_client.h"
#include "client/run/comparison.h"
#include "client/run/options.h"
#include "proto/adaptation.pb.h"

namespace foresight {

inline constexpr int kMostTrials = 1000;

// The settings that a sweep's JSON text asks for, each with only the fields
// that it sets, named as in adaptation.proto:
//   {"grid": {"horizon": [3, 5], "step_size": [1e-5, 3e-5]},
//    "try": [{"steps": 5, "step_size": 1e-4}]}
// "grid" stands for every combination of its values, the last field's values
// changing first; "try" for the settings that it lists. Either may be left out.
// Errors: InvalidArgument: the text is not such JSON, a field is not one of the
// settings, or there are no settings or more than kMostTrials.
absl::StatusOr<std::vector<v1::AdaptationSettings>> ParseSweep(
    const std::string& text);

// The frozen policy and one variant of the settings on the same seeds.
struct SweepTrial {
  v1::AdaptationSettings asked;  // Only what the sweep set.
  Comparison comparison;
};

// Plays the frozen policy once and then each of `settings`, over those that
// `options` sets; every trial has the same seeds. Trials come in the order of
// `settings`.
// Errors: Play's.
absl::StatusOr<std::vector<SweepTrial>> PlaySweep(
    const AdaptationClient& client, const RunOptions& options,
    const std::vector<v1::AdaptationSettings>& settings,
    Cancellation& cancellation);

// The place of the trial with the largest mean difference; the first of equals.
size_t BestTrial(const std::vector<SweepTrial>& trials);

}  // namespace foresight
