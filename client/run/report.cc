#include "client/run/report.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/run/settings_text.h"

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

std::string Row(const char* name, const VariantSummary& summary) {
  return absl::StrFormat("%-12s%10.1f +- %-8.1f%7.1f%12.2f%12.2f ms%9.2f ms\n",
                         name, summary.mean, summary.standard_error,
                         summary.score, summary.steps_done_mean,
                         summary.latency_p50_ms, summary.latency_p99_ms);
}

std::string OutcomesRow(const VariantSummary& summary) {
  std::string row = "outcomes    ";
  absl::StrAppend(&row, absl::StrJoin(summary.outcomes, ", ",
                                      [](std::string* out, const auto& entry) {
                                        absl::StrAppend(
                                            out, v1::Outcome_Name(entry.first),
                                            " ", entry.second);
                                      }));
  if (summary.late > 0) {
    absl::StrAppend(&row, "; ", summary.late,
                    " times the budget ran out before the decision began");
  }
  return row + "\n";
}

template <typename Value>
Json OrNull(const std::optional<Value>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

std::optional<double> ReturnOf(const std::optional<EpisodeResult>& result) {
  if (!result.has_value()) return std::nullopt;
  return result->episode_return;
}

std::optional<int> StepsOf(const std::optional<EpisodeResult>& result) {
  if (!result.has_value()) return std::nullopt;
  return result->steps;
}

// Empty if no episode ended before its limit.
std::string EndsRow(const Comparison& comparison) {
  std::vector<std::string> ends;
  bool any = false;
  const auto add = [&](const char* name,
                       const std::optional<VariantSummary>& summary) {
    if (!summary.has_value()) return;
    any |= summary->terminated > 0;
    ends.push_back(absl::StrFormat(
        "%s %d of %d (%.1f steps on average)", name, summary->terminated,
        comparison.episodes.size(), summary->steps_mean));
  };
  add("frozen", comparison.frozen);
  add("adapted", comparison.adapted);
  if (!any) return "";
  return absl::StrCat("ended early ", absl::StrJoin(ends, ", "), "\n");
}

std::optional<double> MeanOf(const std::optional<VariantSummary>& summary) {
  if (!summary.has_value()) return std::nullopt;
  return summary->mean;
}

std::string CsvCells(const std::optional<EpisodeResult>& result) {
  if (!result.has_value()) return ",,,,,";
  return absl::StrFormat(",%.6f,%d,%.6f,%.4f,%.4f", result->episode_return,
                         result->steps, result->steps_done_mean,
                         Quantile(result->latencies_ms, 0.5),
                         Quantile(result->latencies_ms, 0.99));
}

}  // namespace

std::string ToTable(const Comparison& comparison) {
  const std::vector<EpisodePair>& episodes = comparison.episodes;
  std::string table = absl::StrFormat(
      "\n%s, model %s (%s on %s), %d episodes, seeds %d to %d\n%s\n\n",
      comparison.environment.name, comparison.model.name(),
      comparison.model.engine(), comparison.model.device(), episodes.size(),
      episodes.front().seed, episodes.back().seed,
      SettingsLine(comparison.settings));
  absl::StrAppendFormat(&table, "%-12s%22s%7s%12s%15s%12s\n", "policy",
                        "return (s.e.)  ", "score", "steps done", "latency p50",
                        "p99");
  if (comparison.frozen.has_value()) {
    table += Row("frozen", *comparison.frozen);
  }
  if (comparison.adapted.has_value()) {
    table += Row("adapted", *comparison.adapted);
  }
  if (comparison.difference.has_value()) {
    absl::StrAppendFormat(&table, "difference  %+10.1f",
                          *comparison.difference);
    if (comparison.interval.has_value()) {
      absl::StrAppendFormat(
          &table, "  [%+.1f, %+.1f]  (paired, 95 %% bootstrap)",
          comparison.interval->low, comparison.interval->high);
    }
    table += "\n";
  }
  table += EndsRow(comparison);
  if (comparison.adapted.has_value()) table += OutcomesRow(*comparison.adapted);
  return table;
}

std::string ToCsv(const Comparison& comparison) {
  std::string csv = "seed";
  for (const char* variant : {"frozen", "adapted"}) {
    for (const char* column : {"return", "steps", "steps_done_mean",
                               "latency_p50_ms", "latency_p99_ms"}) {
      absl::StrAppend(&csv, ",", variant, "_", column);
    }
  }
  csv += "\n";
  for (const EpisodePair& pair : comparison.episodes) {
    absl::StrAppend(&csv, pair.seed, CsvCells(pair.frozen),
                    CsvCells(pair.adapted), "\n");
  }
  return csv;
}

std::string ToJson(const Comparison& comparison) {
  Json json;
  json["environment"] = comparison.environment.name;
  json["model"] = comparison.model.name();
  json["settings"] = SettingsJson(comparison.settings);
  json["episodes"] = Json::array();
  for (const EpisodePair& pair : comparison.episodes) {
    const EpisodeResult& main =
        pair.adapted.has_value() ? *pair.adapted : *pair.frozen;
    json["episodes"].push_back(
        {{"seed", pair.seed},
         {"frozen_return", OrNull(ReturnOf(pair.frozen))},
         {"adapted_return", OrNull(ReturnOf(pair.adapted))},
         {"frozen_steps", OrNull(StepsOf(pair.frozen))},
         {"adapted_steps", OrNull(StepsOf(pair.adapted))},
         {"steps_done_mean", main.steps_done_mean}});
  }
  json["frozen_mean"] = OrNull(MeanOf(comparison.frozen));
  json["adapted_mean"] = OrNull(MeanOf(comparison.adapted));
  json["difference"] = OrNull(comparison.difference);
  json["interval"] = nullptr;
  if (comparison.interval.has_value()) {
    json["interval"] = {comparison.interval->low, comparison.interval->high};
  }
  const VariantSummary& main =
      comparison.adapted.has_value() ? *comparison.adapted : *comparison.frozen;
  json["latency_ms"] = {{"p50", main.latency_p50_ms},
                        {"p99", main.latency_p99_ms}};
  return json.dump(2) + "\n";
}

}  // namespace foresight
