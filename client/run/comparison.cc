#include "client/run/comparison.h"

#include <utility>

namespace foresight {
namespace {

using Variant = std::optional<EpisodeResult> EpisodePair::*;

std::optional<VariantSummary> Summarise(
    const EnvironmentSpec& environment,
    const std::vector<EpisodePair>& episodes, Variant variant) {
  VariantSummary summary;
  std::vector<double> returns, latencies_ms;
  double steps_done = 0;
  for (const EpisodePair& pair : episodes) {
    const std::optional<EpisodeResult>& result = pair.*variant;
    if (!result.has_value()) return std::nullopt;
    returns.push_back(result->episode_return);
    latencies_ms.insert(latencies_ms.end(), result->latencies_ms.begin(),
                        result->latencies_ms.end());
    steps_done += result->steps_done_mean * result->steps;
    summary.late += result->late;
    if (result->terminated) ++summary.terminated;
    for (const auto& [outcome, count] : result->outcomes) {
      summary.outcomes[outcome] += count;
    }
  }
  summary.mean = Mean(returns);
  summary.standard_error = StandardError(returns);
  summary.score = NormalisedScore(environment, summary.mean);
  summary.steps_mean = static_cast<double>(latencies_ms.size()) /
                       static_cast<double>(returns.size());
  summary.steps_done_mean =
      steps_done / static_cast<double>(latencies_ms.size());
  summary.latency_p50_ms = Quantile(latencies_ms, 0.5);
  summary.latency_p99_ms = Quantile(latencies_ms, 0.99);
  return summary;
}

}  // namespace

Comparison Compare(const EnvironmentSpec& environment, const v1::Model& model,
                   std::vector<EpisodePair> episodes) {
  Comparison comparison;
  comparison.environment = environment;
  comparison.model = model;
  comparison.frozen = Summarise(environment, episodes, &EpisodePair::frozen);
  comparison.adapted = Summarise(environment, episodes, &EpisodePair::adapted);
  const EpisodePair& first = episodes.front();
  comparison.settings = first.adapted.has_value() ? first.adapted->settings
                                                  : first.frozen->settings;
  if (comparison.frozen.has_value() && comparison.adapted.has_value()) {
    std::vector<double> differences;
    for (const EpisodePair& pair : episodes) {
      differences.push_back(pair.adapted->episode_return -
                            pair.frozen->episode_return);
    }
    comparison.difference = Mean(differences);
    if (differences.size() > 1) {
      comparison.interval = DifferenceInterval(differences);
    }
  }
  comparison.episodes = std::move(episodes);
  return comparison;
}

}  // namespace foresight
