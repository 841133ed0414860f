#include "client/load/report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/load/steps.h"
#include "client/run/settings_text.h"

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

double Ms(absl::Duration duration) {
  return absl::ToDoubleMilliseconds(duration);
}

// Latencies are known to the microsecond.
double RoundedMs(absl::Duration duration) {
  return std::round(1000 * Ms(duration)) / 1000;
}

const char* TransportName(const LoadOptions& options) {
  return options.stream ? "stream" : "unary";
}

Json OrNull(const std::optional<double>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

std::string Heading(const LoadContext& context, const LoadResult& result) {
  const LoadOptions& options = context.options;
  return absl::StrFormat(
      "\n%d sessions at %g Hz for %s, deadline %s, model %s (%s on %s), %s, "
      "%d connection%s\n%s\n%s\n\n",
      result.sessions, options.rate_hz, absl::FormatDuration(options.duration),
      absl::FormatDuration(options.deadline), context.model.name(),
      context.model.engine(), context.model.device(), TransportName(options),
      options.connections, options.connections == 1 ? "" : "s",
      SettingsLine(result.settings), context.observations);
}

std::string CountsRows(const LoadCounts& counts) {
  return absl::StrFormat("%9s%9s%11s%10s%9s%9s%10s\n", "ticks", "sent",
                         "answered", "skipped", "late", "errors", "missed") +
         absl::StrFormat("%9d%9d%11d%10d%9d%9d%8.3f %%\n\n", counts.ticks(),
                         counts.sent, counts.answered, counts.skipped,
                         counts.late, counts.failed(),
                         100 * counts.missed_fraction());
}

std::string LatencyRow(const LatencyHistogram& latencies) {
  return absl::StrFormat(
      "latency    p50 %.2f   p90 %.2f   p99 %.2f   p99.9 %.2f   max %.2f ms\n",
      Ms(latencies.Quantile(0.5)), Ms(latencies.Quantile(0.9)),
      Ms(latencies.Quantile(0.99)), Ms(latencies.Quantile(0.999)),
      Ms(latencies.largest()));
}

std::string StepsRow(const StepShares& shares) {
  std::string row =
      absl::StrFormat("steps      %.3f per decision; of sessions %.3f to %.3f",
                      shares.mean, shares.lowest, shares.highest);
  if (shares.lowest_over_mean.has_value()) {
    absl::StrAppendFormat(&row, ", which is %.2f to %.2f of the mean",
                          *shares.lowest_over_mean, *shares.highest_over_mean);
  }
  return row + "\n";
}

std::string ReasonRows(const LoadCounts& counts) {
  std::vector<std::string> outcomes;
  for (const auto& [outcome, count] : counts.outcomes) {
    outcomes.push_back(absl::StrCat(v1::Outcome_Name(outcome), " ", count));
  }
  std::vector<std::string> errors;
  for (const auto& [reason, count] : counts.errors) {
    errors.push_back(absl::StrCat(reason, " ", count));
  }
  std::string rows;
  if (!outcomes.empty()) {
    absl::StrAppend(&rows, "outcomes   ", absl::StrJoin(outcomes, ", "), "\n");
  }
  if (!errors.empty()) {
    absl::StrAppend(&rows, "errors     ", absl::StrJoin(errors, ", "), "\n");
  }
  return rows;
}

std::string MachineRows(const Host& host, const LoadResult& result) {
  return absl::StrFormat(
      "generator  %.3f cores; requests left late by p99 %.2f, max %.2f ms\n"
      "host       %s, %d cores, %.1f %% of their time stolen\n",
      result.generator_cores, Ms(result.send_lags.Quantile(0.99)),
      Ms(result.send_lags.largest()), host.cpu_model, host.cores,
      100 * result.steal_fraction);
}

Json LatencyJson(const LatencyHistogram& latencies) {
  return {{"p50", RoundedMs(latencies.Quantile(0.5))},
          {"p90", RoundedMs(latencies.Quantile(0.9))},
          {"p99", RoundedMs(latencies.Quantile(0.99))},
          {"p999", RoundedMs(latencies.Quantile(0.999))},
          {"max", RoundedMs(latencies.largest())}};
}

void AddContext(const LoadContext& context, Json* json) {
  const LoadOptions& options = context.options;
  (*json)["rate_hz"] = options.rate_hz;
  (*json)["deadline_ms"] = Ms(options.deadline);
  (*json)["duration_s"] = absl::ToDoubleSeconds(options.duration);
  (*json)["transport"] = TransportName(options);
  (*json)["connections"] = options.connections;
  (*json)["model"] = context.model.name();
  (*json)["observations"] = context.observations;
}

void AddCounts(const LoadCounts& counts, Json* json) {
  (*json)["sent"] = counts.sent;
  (*json)["answered"] = counts.answered;
  (*json)["missed_fraction"] = counts.missed_fraction();
  (*json)["latency_ms"] = LatencyJson(counts.latencies);
  const StepShares shares = SharesOf(counts.loops);
  (*json)["steps_done_mean"] = shares.mean;
  (*json)["steps_done_lowest"] = shares.lowest;
  (*json)["steps_done_highest"] = shares.highest;
  (*json)["adapted_shares"] = {
      {"lowest_over_mean", OrNull(shares.lowest_over_mean)},
      {"highest_over_mean", OrNull(shares.highest_over_mean)}};
  Json outcomes = Json::object();
  for (const auto& [outcome, count] : counts.outcomes) {
    outcomes[v1::Outcome_Name(outcome)] = count;
  }
  (*json)["outcomes"] = outcomes;
  Json errors = Json::object();
  for (const auto& [reason, count] : counts.errors) errors[reason] = count;
  (*json)["errors"] = errors;
  (*json)["late_by_cause"] = {{"skipped_tick", counts.skipped},
                              {"late_answer", counts.late},
                              {"error", counts.failed()}};
}

void AddResult(const LoadContext& context, const LoadResult& result,
               Json* json) {
  (*json)["sessions"] = result.sessions;
  AddContext(context, json);
  (*json)["settings"] = SettingsJson(result.settings);
  AddCounts(result.counts, json);
  (*json)["generator_cpu"] = result.generator_cores;
  (*json)["send_lag_ms"] = LatencyJson(result.send_lags);
  (*json)["host"] = {{"cpu_model", context.host.cpu_model},
                     {"cores", context.host.cores},
                     {"steal_fraction", result.steal_fraction}};
}

}  // namespace

std::string LoadTable(const LoadContext& context, const LoadResult& result) {
  const LoadCounts& counts = result.counts;
  return absl::StrCat(Heading(context, result), CountsRows(counts),
                      LatencyRow(counts.latencies),
                      StepsRow(SharesOf(counts.loops)), ReasonRows(counts),
                      MachineRows(context.host, result), "\n",
                      HistogramText(counts.latencies));
}

std::string LoadJson(const LoadContext& context, const LoadResult& result) {
  Json json;
  AddResult(context, result, &json);
  return json.dump(2) + "\n";
}

std::string ProbeLine(const Probe& probe) {
  if (probe.refused) {
    return absl::StrFormat("%9d sessions   refused by the server",
                           probe.sessions);
  }
  return absl::StrFormat("%9d sessions   %8.3f %% missed   %s", probe.sessions,
                         100 * probe.missed_fraction,
                         probe.passed ? "passed" : "failed");
}

std::string RampTable(const LoadContext& context, const RampResult& ramp) {
  if (ramp.largest.sessions == 0) {
    return "\nnot even 1 session had under 0.1 % misses\n";
  }
  return absl::StrFormat(
      "%s\nlargest number under 0.1 %% misses: %d sessions\n",
      LoadTable(context, ramp.largest), ramp.largest.sessions);
}

std::string RampJson(const LoadContext& context, const RampResult& ramp) {
  Json json = Json::object();
  if (ramp.largest.sessions > 0) AddResult(context, ramp.largest, &json);
  json["largest_sessions"] = ramp.largest.sessions;
  json["probes"] = Json::array();
  for (const Probe& probe : ramp.probes) {
    json["probes"].push_back({{"sessions", probe.sessions},
                              {"missed_fraction", probe.missed_fraction},
                              {"refused", probe.refused},
                              {"passed", probe.passed}});
  }
  return json.dump(2) + "\n";
}

std::string HistogramText(const LatencyHistogram& latencies) {
  if (latencies.count() == 0) return "";
  constexpr int kWidth = 40;
  std::string text =
      absl::StrFormat("%12s%10s  (logarithmic bars)\n", "latency", "answers");
  const double scale =
      kWidth / std::log1p(static_cast<double>(latencies.count()));
  absl::Duration low;
  absl::Duration high = absl::Microseconds(62.5);
  int64_t shown = 0;
  for (; shown < latencies.count(); low = high, high *= 2) {
    const int64_t count = latencies.CountBetween(low, high);
    shown += count;
    if (shown == 0) continue;
    const auto bar = static_cast<size_t>(
        std::lround(scale * std::log1p(static_cast<double>(count))));
    absl::StrAppendFormat(&text, "< %6.4g ms%10d  %s\n", Ms(high), count,
                          std::string(bar, '#'));
  }
  return text;
}

}  // namespace foresight
