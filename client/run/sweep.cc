#include "client/run/sweep.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/run/tournament.h"

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("sweep: ", what));
}

absl::StatusOr<v1::AdaptationSettings> ToSettings(const Json& object) {
  v1::AdaptationSettings settings;
  const auto status =
      google::protobuf::util::JsonStringToMessage(object.dump(), &settings);
  if (status.ok()) return settings;
  return Wrong(absl::StrCat(object.dump(), " is not a set of settings: ",
                            std::string(status.message())));
}

// Every combination of one value for each field of `grid`.
absl::StatusOr<std::vector<Json>> Combinations(const Json& grid) {
  if (!grid.is_object()) {
    return Wrong("\"grid\" is not an object of lists of values");
  }
  std::vector<Json> combinations = {Json::object()};
  for (const auto& [name, values] : grid.items()) {
    if (!values.is_array() || values.empty()) {
      return Wrong(absl::StrCat("grid.", name, " is ", values.dump(),
                                ", expected a list of values"));
    }
    if (combinations.size() * values.size() > kMostTrials) {
      return Wrong(absl::StrCat("the grid has more than ", kMostTrials,
                                " combinations"));
    }
    std::vector<Json> longer;
    for (const Json& combination : combinations) {
      for (const Json& value : values) {
        longer.push_back(combination);
        longer.back()[name] = value;
      }
    }
    combinations = std::move(longer);
  }
  return combinations;
}

absl::StatusOr<std::vector<Json>> Trials(const Json& document) {
  if (!document.is_object()) return Wrong("the file is not a JSON object");
  std::vector<Json> trials;
  for (const auto& [name, value] : document.items()) {
    if (name == "grid") {
      auto combinations = Combinations(value);
      if (!combinations.ok()) return combinations;
      trials.insert(trials.end(), combinations->begin(), combinations->end());
    } else if (name == "try") {
      if (!value.is_array()) return Wrong("\"try\" is not a list of settings");
      trials.insert(trials.end(), value.begin(), value.end());
    } else {
      return Wrong(
          absl::StrCat("\"", name, "\" is not a field, expected grid or try"));
    }
  }
  if (trials.empty() || trials.size() > kMostTrials) {
    return Wrong(absl::StrCat("there are ", trials.size(),
                              " settings to try, expected 1 to ", kMostTrials));
  }
  return trials;
}

}  // namespace

absl::StatusOr<std::vector<v1::AdaptationSettings>> ParseSweep(
    const std::string& text) {
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return Wrong("the file is not JSON");
  const auto trials = Trials(document);
  if (!trials.ok()) return trials.status();
  std::vector<v1::AdaptationSettings> all;
  for (const Json& trial : *trials) {
    auto settings = ToSettings(trial);
    if (!settings.ok()) return settings.status();
    all.push_back(*std::move(settings));
  }
  return all;
}

absl::StatusOr<std::vector<SweepTrial>> PlaySweep(
    const AdaptationClient& client, const RunOptions& options,
    const std::vector<v1::AdaptationSettings>& settings,
    Cancellation& cancellation) {
  RunOptions frozen_options = options;
  frozen_options.play_frozen = true;
  frozen_options.play_adapted = false;
  const auto frozen = Play(client, frozen_options, cancellation);
  if (!frozen.ok()) return frozen.status();
  std::vector<SweepTrial> trials;
  for (const v1::AdaptationSettings& asked : settings) {
    RunOptions adapted_options = options;
    adapted_options.play_frozen = false;
    adapted_options.play_adapted = true;
    adapted_options.settings.MergeFrom(asked);
    auto adapted = Play(client, adapted_options, cancellation);
    if (!adapted.ok()) return adapted.status();
    std::vector<EpisodePair> episodes = std::move(adapted->episodes);
    for (size_t i = 0; i < episodes.size(); ++i) {
      episodes[i].frozen = frozen->episodes[i].frozen;
    }
    trials.push_back({asked, Compare(adapted->environment, adapted->model,
                                     std::move(episodes))});
  }
  return trials;
}

size_t BestTrial(const std::vector<SweepTrial>& trials) {
  size_t best = 0;
  for (size_t i = 1; i < trials.size(); ++i) {
    if (*trials[i].comparison.difference >
        *trials[best].comparison.difference) {
      best = i;
    }
  }
  return best;
}

}  // namespace foresight
