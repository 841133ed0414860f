// Combines the reports of many foresight-run processes as if one process had
// played all the episodes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/run/statistics.h"

namespace foresight {

struct GatheredEpisode {
  std::optional<double> frozen_return;
  std::optional<double> adapted_return;
  std::optional<int> frozen_steps;  // Environment steps.
  std::optional<int> adapted_steps;
  double steps_done_mean = 0;
};

// Not thread-safe.
class GatheredReport {
 public:
  // Adds a report: `text` is what foresight-run --json wrote; messages begin
  // with `name`. On an error nothing is added.
  // Errors:
  //   InvalidArgument: `text` is not a report with at least one episode.
  //   FailedPrecondition: its environment, model, settings or played variants
  //                       differ from those of earlier reports, or it repeats
  //                       one of their episodes.
  absl::Status Add(const std::string& name, const std::string& text);

  size_t episodes() const { return episodes_.size(); }

  // A table for people. At least one report must have been added.
  std::string ToTable() const;
  // As foresight-run --json, but without latency_ms, since quantiles cannot be
  // combined. At least one report must have been added.
  std::string ToJson() const;

 private:
  struct Summary {
    std::optional<double> frozen_mean;
    std::optional<double> adapted_mean;
    std::optional<double> difference;
    std::optional<Interval> interval;  // Needs at least two pairs.
  };

  Summary Summarise() const;

  // Environment, model, settings and variants, as JSON: equal in all reports.
  std::string common_;
  std::map<uint64_t, GatheredEpisode> episodes_;  // By seed.
};

}  // namespace foresight
