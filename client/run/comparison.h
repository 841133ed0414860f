// Compares the frozen and the adapted episodes of a run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "client/environments/environment.h"
#include "client/run/episode.h"
#include "client/run/statistics.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Both variants of one seed; one is missing if only the other was played.
struct EpisodePair {
  uint64_t seed = 0;
  std::optional<EpisodeResult> frozen;
  std::optional<EpisodeResult> adapted;
};

// All episodes of one variant.
struct VariantSummary {
  double mean = 0;  // Return.
  double standard_error = 0;
  double score = 0;            // The mean return, normalised.
  int terminated = 0;          // Episodes that ended before any limit.
  double steps_mean = 0;       // Environment steps per episode.
  double steps_done_mean = 0;  // Gradient steps per decision.
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
  std::map<v1::Outcome, int> outcomes;
  int late = 0;  // As in EpisodeResult.
};

struct Comparison {
  EnvironmentSpec environment;
  v1::Model model;
  v1::AdaptationSettings settings;  // For adapted episodes, if any.
  std::vector<EpisodePair> episodes;
  std::optional<VariantSummary> frozen;
  std::optional<VariantSummary> adapted;
  std::optional<double> difference;  // Mean of adapted - frozen.
  std::optional<Interval> interval;  // Its 95 % bootstrap; needs 2 pairs.
};

// Needs at least one episode; every pair must have the same variants.
Comparison Compare(const EnvironmentSpec& environment, const v1::Model& model,
                   std::vector<EpisodePair> episodes);

}  // namespace foresight
