// The decisions of an independent float64 implementation of docs/method.md on a
// real bundle: tests/data/reference-halfcheetah.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "models/bundle/bundle.h"
#include "models/bundle/settings.h"
#include "nlohmann/json.hpp"

namespace foresight {

struct ReferenceDecision {
  std::vector<float> observation;  // [S]
  std::vector<double> action;      // [A]
  std::string outcome;             // "ADAPTED", ..., as in adaptation.proto.
  int steps_done;
  double objective_before, gradient_norm, action_change, drift;
  double float32_action_gap;  // To the same code in float32.
};

struct ReferenceCase {
  std::string name;
  uint64_t seed;
  AdaptationSettings settings;
  std::vector<ReferenceDecision> decisions;  // One session's, in order.
};

inline std::string ReferenceFolder() {
  return FORESIGHT_SOURCE_DIR "/tests/data/reference-halfcheetah";
}

// Throws if the file is not as expected.
inline std::vector<ReferenceCase> ReferenceCases(const Bundle& bundle) {
  std::ifstream file(ReferenceFolder() + "/decisions.json");
  const nlohmann::json json = nlohmann::json::parse(file);
  std::vector<ReferenceCase> cases;
  for (const nlohmann::json& from : json.at("cases")) {
    ReferenceCase to;
    to.name = from.at("name");
    to.seed = json.at("seed");
    v1::AdaptationSettings settings;
    const auto status = google::protobuf::util::JsonStringToMessage(
        from.at("settings").dump(), &settings);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    to.settings =
        ResolveSettings(settings, bundle.defaults(), bundle.sampler_limits())
            .value();
    for (const nlohmann::json& decision : from.at("decisions")) {
      to.decisions.push_back(
          {json.at("observations").at(to.decisions.size()),
           decision.at("action"), decision.at("outcome"),
           decision.at("steps_done"), decision.at("objective_before"),
           decision.at("gradient_norm"), decision.at("action_change"),
           decision.at("drift"), decision.at("float32_action_gap")});
    }
    cases.push_back(std::move(to));
  }
  return cases;
}

}  // namespace foresight
