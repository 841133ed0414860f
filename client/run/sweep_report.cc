#include "client/run/sweep_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/run/report.h"
#include "client/run/settings_text.h"

namespace foresight {
namespace {

std::string TrialRow(const SweepTrial& trial, size_t width) {
  const Comparison& comparison = trial.comparison;
  std::string row =
      absl::StrFormat("%-*s  %9.1f %7.1f %+10.1f", static_cast<int>(width),
                      SettingsFlags(trial.asked), comparison.adapted->mean,
                      comparison.adapted->score, *comparison.difference);
  if (comparison.interval.has_value()) {
    absl::StrAppendFormat(&row, "  [%+.1f, %+.1f]", comparison.interval->low,
                          comparison.interval->high);
  }
  absl::StrAppendFormat(&row, "  %.2f ms\n",
                        comparison.adapted->latency_p50_ms);
  return row;
}

// Formats settings as a bundle's defaults, in which diffusion's K is not a
// setting.
std::string Defaults(const Comparison& comparison) {
  v1::AdaptationSettings settings = comparison.settings;
  if (comparison.model.dynamics() == "diffusion")
    settings.clear_sampler_steps();
  return SettingsJson(settings).dump();
}

}  // namespace

std::string SweepTable(const std::vector<SweepTrial>& trials) {
  const Comparison& first = trials.front().comparison;
  size_t width = 8;  // "settings"
  for (const SweepTrial& trial : trials) {
    width = std::max(width, SettingsFlags(trial.asked).size());
  }
  std::string table = absl::StrFormat(
      "\n%s, model %s (%s on %s), %d episodes, seeds %d to %d\n"
      "frozen %.1f +- %.1f, score %.1f\n\n"
      "%-*s  %9s %7s %10s  (paired, 95 %% bootstrap)  latency p50\n",
      first.environment.name, first.model.name(), first.model.engine(),
      first.model.device(), first.episodes.size(), first.episodes.front().seed,
      first.episodes.back().seed, first.frozen->mean,
      first.frozen->standard_error, first.frozen->score,
      static_cast<int>(width), "settings", "return", "score", "difference");
  for (const SweepTrial& trial : trials) table += TrialRow(trial, width);
  const SweepTrial& best = trials[BestTrial(trials)];
  const auto& interval = best.comparison.interval;
  absl::StrAppend(&table, "\nbest      ", SettingsFlags(best.asked),
                  interval.has_value() && interval->low > 0
                      ? "\n"
                      : "  (not shown to be better than frozen)\n",
                  "defaults  ", Defaults(best.comparison), "\n");
  return table;
}

std::string SweepJson(const std::vector<SweepTrial>& trials) {
  auto json = nlohmann::ordered_json::array();
  for (const SweepTrial& trial : trials) {
    json.push_back({{"asked", SettingsJson(trial.asked)},
                    {"comparison",
                     nlohmann::ordered_json::parse(ToJson(trial.comparison))}});
  }
  return json.dump(2) + "\n";
}

}  // namespace foresight
