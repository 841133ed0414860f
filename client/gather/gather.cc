#include "client/gather/gather.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

bool IsNumberOrNull(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && (field->is_number() || field->is_null());
}

bool IsEpisode(const Json& episode) {
  return episode.is_object() && episode.contains("seed") &&
         episode["seed"].is_number_unsigned() &&
         IsNumberOrNull(episode, "frozen_return") &&
         IsNumberOrNull(episode, "adapted_return") &&
         episode.contains("steps_done_mean") &&
         episode["steps_done_mean"].is_number();
}

bool IsReport(const Json& report) {
  if (!report.is_object()) return false;
  for (const char* name : {"environment", "model", "settings", "episodes"}) {
    if (!report.contains(name)) return false;
  }
  const Json& episodes = report["episodes"];
  if (!episodes.is_array() || episodes.empty()) return false;
  for (const Json& episode : episodes) {
    if (!IsEpisode(episode)) return false;
  }
  return report["environment"].is_string() && report["model"].is_string() &&
         report["settings"].is_object();
}

std::optional<double> NumberOf(const Json& field) {
  if (field.is_null()) return std::nullopt;
  return field.get<double>();
}

template <typename Value>
Json OrNull(const std::optional<Value>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

Json CommonPart(const Json& report, const Json& episode) {
  return {{"environment", report["environment"]},
          {"model", report["model"]},
          {"settings", report["settings"]},
          {"frozen", !episode["frozen_return"].is_null()},
          {"adapted", !episode["adapted_return"].is_null()}};
}

// The number is null if foresight-run did not play the variant.
std::optional<int> StepsOf(const Json& episode, const char* name) {
  const auto steps = episode.find(name);
  if (steps == episode.end() || !steps->is_number()) return std::nullopt;
  return steps->get<int>();
}

std::optional<double> MeanOf(
    const std::map<uint64_t, GatheredEpisode>& episodes,
    std::optional<double> GatheredEpisode::*variant) {
  std::vector<double> returns;
  for (const auto& [seed, episode] : episodes) {
    if (!(episode.*variant).has_value()) return std::nullopt;
    returns.push_back(*(episode.*variant));
  }
  return Mean(returns);
}

}  // namespace

absl::Status GatheredReport::Add(const std::string& name,
                                 const std::string& text) {
  if (text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " is empty: its foresight-run has not ended, or has failed"));
  }
  const Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!IsReport(report)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " is not a report; expected what foresight-run --json writes"));
  }
  std::string common = common_;
  std::map<uint64_t, GatheredEpisode> episodes = episodes_;
  for (const Json& episode : report["episodes"]) {
    const std::string part = CommonPart(report, episode).dump();
    if (common.empty()) common = part;
    if (part != common) {
      return absl::FailedPreconditionError(
          absl::StrCat(name, " belongs to another run: it has ", part,
                       ", expected ", common));
    }
    const uint64_t seed = episode["seed"].get<uint64_t>();
    const GatheredEpisode added = {
        NumberOf(episode["frozen_return"]), NumberOf(episode["adapted_return"]),
        StepsOf(episode, "frozen_steps"), StepsOf(episode, "adapted_steps"),
        episode["steps_done_mean"].get<double>()};
    if (!episodes.emplace(seed, added).second) {
      return absl::FailedPreconditionError(
          absl::StrCat(name, " has an episode with seed ", seed,
                       ", which an earlier one has too"));
    }
  }
  common_ = std::move(common);
  episodes_ = std::move(episodes);
  return absl::OkStatus();
}

GatheredReport::Summary GatheredReport::Summarise() const {
  Summary summary;
  summary.frozen_mean = MeanOf(episodes_, &GatheredEpisode::frozen_return);
  summary.adapted_mean = MeanOf(episodes_, &GatheredEpisode::adapted_return);
  if (!summary.frozen_mean.has_value() || !summary.adapted_mean.has_value()) {
    return summary;
  }
  std::vector<double> differences;
  for (const auto& [seed, episode] : episodes_) {
    differences.push_back(*episode.adapted_return - *episode.frozen_return);
  }
  summary.difference = Mean(differences);
  if (differences.size() > 1) {
    summary.interval = DifferenceInterval(differences);
  }
  return summary;
}

std::string GatheredReport::ToTable() const {
  const Json common = Json::parse(common_);
  const Summary summary = Summarise();
  std::string table =
      absl::StrFormat("%s, model %s, %d episodes, seeds %d to %d\n",
                      common["environment"].get<std::string>(),
                      common["model"].get<std::string>(), episodes_.size(),
                      episodes_.begin()->first, episodes_.rbegin()->first);
  if (summary.frozen_mean.has_value()) {
    absl::StrAppendFormat(&table, "frozen      %10.1f\n", *summary.frozen_mean);
  }
  if (summary.adapted_mean.has_value()) {
    absl::StrAppendFormat(&table, "adapted     %10.1f\n",
                          *summary.adapted_mean);
  }
  if (summary.difference.has_value()) {
    absl::StrAppendFormat(&table, "difference  %+10.1f", *summary.difference);
    if (summary.interval.has_value()) {
      absl::StrAppendFormat(&table,
                            "  [%+.1f, %+.1f]  (paired, 95 %% bootstrap)",
                            summary.interval->low, summary.interval->high);
    }
    table += "\n";
  }
  return table;
}

std::string GatheredReport::ToJson() const {
  const Json common = Json::parse(common_);
  const Summary summary = Summarise();
  Json json;
  for (const char* name : {"environment", "model", "settings"}) {
    json[name] = common[name];
  }
  json["episodes"] = Json::array();
  for (const auto& [seed, episode] : episodes_) {
    json["episodes"].push_back(
        {{"seed", seed},
         {"frozen_return", OrNull(episode.frozen_return)},
         {"adapted_return", OrNull(episode.adapted_return)},
         {"frozen_steps", OrNull(episode.frozen_steps)},
         {"adapted_steps", OrNull(episode.adapted_steps)},
         {"steps_done_mean", episode.steps_done_mean}});
  }
  json["frozen_mean"] = OrNull(summary.frozen_mean);
  json["adapted_mean"] = OrNull(summary.adapted_mean);
  json["difference"] = OrNull(summary.difference);
  json["interval"] = nullptr;
  if (summary.interval.has_value()) {
    json["interval"] = {summary.interval->low, summary.interval->high};
  }
  return json.dump(2) + "\n";
}

}  // namespace foresight
