#include "client/run/report_page.h"

#include <nlohmann/json.hpp>

#include "client/run/python_script.h"
#include "client/run/report.h"

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

PythonScript Script() {
  return {"--report", "report_page.py",
          "--report needs matplotlib for /usr/bin/python3: apt-get install "
          "python3-matplotlib, or deploy/install_dependencies.sh --plots",
          ""};
}

Json TraceJson(uint64_t seed, const char* variant,
               const EpisodeResult& result) {
  Json json = {{"seed", seed},
               {"variant", variant},
               {"terminated", result.terminated},
               {"latencies_ms", result.latencies_ms}};
  for (const char* name :
       {"outcome", "reward", "objective_before", "objective_after",
        "action_change", "drift", "observation", "action"}) {
    json[name] = Json::array();
  }
  for (const DecisionTrace& trace : result.trace) {
    json["outcome"].push_back(v1::Outcome_Name(trace.outcome));
    json["reward"].push_back(trace.reward);
    json["objective_before"].push_back(trace.objective_before);
    json["objective_after"].push_back(trace.objective_after.has_value()
                                          ? Json(*trace.objective_after)
                                          : Json(nullptr));
    json["action_change"].push_back(trace.action_change);
    json["drift"].push_back(trace.drift);
    json["observation"].push_back(trace.observation);
    json["action"].push_back(trace.action);
  }
  return json;
}

}  // namespace

std::string PageJson(const Comparison& comparison, const std::string& bundle) {
  Json json = Json::parse(ToJson(comparison));
  json["step_limit"] = comparison.environment.step_limit;
  json["random_return"] = comparison.environment.random_return;
  json["expert_return"] = comparison.environment.expert_return;
  json["bundle"] = bundle;
  json["weights_sha256"] = comparison.model.weights_sha256();
  json["traces"] = Json::array();
  for (const EpisodePair& pair : comparison.episodes) {
    if (pair.frozen.has_value()) {
      json["traces"].push_back(TraceJson(pair.seed, "frozen", *pair.frozen));
    }
    if (pair.adapted.has_value()) {
      json["traces"].push_back(TraceJson(pair.seed, "adapted", *pair.adapted));
    }
  }
  return json.dump();
}

absl::Status CheckReportPage(const std::string& file) {
  return CheckScript(Script(), file);
}

absl::Status WriteReportPage(const Comparison& comparison,
                             const std::string& bundle,
                             const std::string& file) {
  return RunScript(Script(), file, PageJson(comparison, bundle));
}

}  // namespace foresight
