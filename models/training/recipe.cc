#include "models/training/recipe.h"

#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "models/bundle/manifest.h"
#include "models/bundle/sha256.h"
#include "models/bundle/strict_json.h"
#include "models/training/json_fields.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

using nlohmann::json;

constexpr double kLargestSeed = 9007199254740992.0;  // 2^53, exact in JSON.
constexpr size_t kLongestFile = size_t{1} << 20;
constexpr double kHuge = JsonFields::kHuge;
constexpr double kTiny = JsonFields::kTiny;

void ReadSchedule(JsonFields& fields, Schedule& schedule) {
  fields.Number("steps", 1, 1e9, schedule.steps);
  fields.Number("batch", 1, 1e6, schedule.batch);
  fields.Number("learning_rate", kTiny, 1, schedule.learning_rate);
  fields.Number("final_fraction", kTiny, 1, schedule.final_fraction);
  fields.Number("average", 0, 0.999999, schedule.average);
  fields.Number("seed", 0, kLargestSeed, schedule.seed);
}

absl::Status ReadHoldOut(JsonFields fields, HoldOutRecipe& hold_out) {
  fields.Number("fraction", 0, 0.99, hold_out.fraction);
  fields.Number("minimum", 1, 1e6, hold_out.minimum);
  fields.Number("seed", 0, kLargestSeed, hold_out.seed);
  return fields.Finish();
}

// Recipes older than this field ship the average.
ShippedWeights ReadShip(JsonFields& fields) {
  std::string ship = "average";
  if (fields.Has("ship")) fields.Text("ship", ship);
  if (ship != "average" && ship != "last") {
    fields.Fail("ship", "\"average\" or \"last\"");
  }
  return ship == "last" ? ShippedWeights::kLast : ShippedWeights::kAverage;
}

absl::Status ReadPolicy(JsonFields fields, PolicyRecipe& policy) {
  ReadSchedule(fields, policy.schedule);
  fields.Widths("policy_hidden", policy.policy_hidden);
  fields.Widths("critic_hidden", policy.critic_hidden);
  fields.Number("layer_norm_epsilon", kTiny, 1, policy.layer_norm_epsilon);
  fields.Number("discount", kTiny, 1, policy.discount);
  fields.Number("target_rate", kTiny, 1, policy.target_rate);
  fields.Number("beta1", 0, kHuge, policy.beta1);
  fields.Number("beta2", 0, kHuge, policy.beta2);
  fields.Number("target_noise", 0, kHuge, policy.target_noise);
  fields.Number("noise_limit", 0, kHuge, policy.noise_limit);
  fields.Number("actor_period", 1, 1e6, policy.actor_period);
  policy.ship = ReadShip(fields);
  return fields.Finish();
}

// Recipes older than this field are for diffusion.
DynamicsKind ReadKind(JsonFields& fields) {
  std::string kind = "diffusion";
  if (fields.Has("kind")) fields.Text("kind", kind);
  if (kind != "diffusion" && kind != "mean_flow") {
    fields.Fail("kind", "\"diffusion\" or \"mean_flow\"");
  }
  return kind == "mean_flow" ? DynamicsKind::kMeanFlow
                             : DynamicsKind::kDiffusion;
}

void ReadDiffusion(JsonFields& fields, DynamicsRecipe& dynamics) {
  if (dynamics.time_embedding % 2 != 0) {
    fields.Fail("time_embedding", "an even number");
  }
  fields.Number("sampler_steps", 1, 1000, dynamics.sampler_steps);
  fields.Number("beta_min", kTiny, kHuge, dynamics.beta_min);
  fields.Number("beta_max", dynamics.beta_min, kHuge, dynamics.beta_max);
}

void ReadMeanFlow(JsonFields& fields, DynamicsRecipe& dynamics) {
  if (dynamics.time_embedding % 4 != 0) {
    fields.Fail("time_embedding", "a multiple of 4");
  }
  fields.Number("sampler_steps", 1, kMaxSamplerSteps, dynamics.sampler_steps);
  fields.Number("equal_fraction", 0, 1, dynamics.equal_fraction);
  fields.Number("grid_fraction", 0, 1 - dynamics.equal_fraction,
                dynamics.grid_fraction);
}

absl::Status ReadDynamics(JsonFields fields, DynamicsRecipe& dynamics) {
  ReadSchedule(fields, dynamics.schedule);
  fields.Widths("hidden", dynamics.hidden);
  fields.Number("time_embedding", 2, 4096, dynamics.time_embedding);
  if (fields.Has("tilt")) fields.Number("tilt", 0, kHuge, dynamics.tilt);
  dynamics.kind = ReadKind(fields);
  if (dynamics.kind == DynamicsKind::kMeanFlow) {
    ReadMeanFlow(fields, dynamics);
  } else {
    ReadDiffusion(fields, dynamics);
  }
  return fields.Finish();
}

absl::Status ReadReward(JsonFields fields, RewardRecipe& reward) {
  ReadSchedule(fields, reward.schedule);
  fields.Widths("hidden", reward.hidden);
  return fields.Finish();
}

absl::Status ReadDefaults(JsonFields fields, AdaptationSettings& defaults) {
  fields.Number("horizon", 1, 64, defaults.horizon);
  fields.Number("particles", 1, 65536, defaults.particles);
  fields.Number("steps", 0, 1000, defaults.steps);
  fields.Number("step_size", 0, kHuge, defaults.step_size);
  if (fields.Has("action_step")) {
    fields.Number("action_step", 0, kHuge, defaults.action_step);
  }
  std::string mode;
  fields.Text("mode", mode);
  if (mode != "persist" && mode != "reset") {
    fields.Fail("mode", "\"persist\" or \"reset\"");
  }
  defaults.mode = mode == "reset" ? Mode::kReset : Mode::kPersist;
  fields.Number("max_gradient_norm", 0, kHuge, defaults.max_gradient_norm);
  fields.Number("max_action_change", 0, kHuge, defaults.max_action_change);
  fields.Number("max_drift", 0, kHuge, defaults.max_drift);
  fields.Flag("accept_only_improvement", defaults.accept_only_improvement);
  fields.Number("noise_scale", 0, 2, defaults.noise_scale);
  return fields.Finish();
}

// Different numbers give different texts.
std::string Exactly(std::initializer_list<double> values) {
  std::string text;
  for (const double value : values) {
    absl::StrAppendFormat(&text, "%.17g ", value);
  }
  return text;
}

std::string Describe(const Schedule& schedule) {
  return absl::StrCat(schedule.steps, " ", schedule.batch, " ", schedule.seed,
                      " ",
                      Exactly({schedule.learning_rate, schedule.final_fraction,
                               schedule.average}));
}

std::string Describe(const std::vector<int>& widths) {
  return absl::StrCat("[", absl::StrJoin(widths, ","), "] ");
}

absl::StatusOr<Recipe> FromJson(const json& document) {
  Recipe recipe;
  JsonFields fields(document, "");
  fields.Text("name", recipe.name);
  fields.Text("version", recipe.version);
  fields.Text("environment", recipe.environment);
  fields.Number("observation_size", 1, 65536, recipe.observation_size);
  fields.Number("action_size", 1, 65536, recipe.action_size);
  fields.Number("step_limit", 1, 1e9, recipe.step_limit);
  if (fields.Has("rows")) fields.Number("rows", 1, 1e12, recipe.rows);
  fields.Number("evaluations", 1, 10000, recipe.evaluations);
  JsonFields hold_out = fields.Object("hold_out");
  JsonFields policy = fields.Object("policy");
  JsonFields dynamics = fields.Object("dynamics");
  JsonFields reward = fields.Object("reward");
  JsonFields defaults = fields.Object("defaults");
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(CheckBundleName(recipe.name));
  RETURN_IF_ERROR(ReadHoldOut(std::move(hold_out), recipe.hold_out));
  RETURN_IF_ERROR(ReadPolicy(std::move(policy), recipe.policy));
  RETURN_IF_ERROR(ReadDynamics(std::move(dynamics), recipe.dynamics));
  RETURN_IF_ERROR(ReadReward(std::move(reward), recipe.reward));
  RETURN_IF_ERROR(ReadDefaults(std::move(defaults), recipe.defaults));
  recipe.defaults.discount = static_cast<float>(recipe.policy.discount);
  recipe.defaults.sampler_steps = recipe.dynamics.sampler_steps;
  return recipe;
}

}  // namespace

absl::StatusOr<Recipe> ParseRecipe(const std::string& text,
                                   const std::string& name) {
  const absl::StatusOr<json> document = ParseStrictJson(text);
  absl::StatusOr<Recipe> recipe =
      document.ok() ? FromJson(*document) : document.status();
  if (recipe.ok()) return recipe;
  return absl::Status(recipe.status().code(),
                      absl::StrCat(name, ": ", recipe.status().message()));
}

absl::StatusOr<Recipe> ReadRecipe(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kLongestFile));
  return ParseRecipe(text, path.string());
}

const Schedule& ScheduleOf(const Recipe& recipe, const std::string& part) {
  if (part == "policy") return recipe.policy.schedule;
  return part == "dynamics" ? recipe.dynamics.schedule : recipe.reward.schedule;
}

std::string Fingerprint(const Recipe& recipe, const std::string& part,
                        const std::string& data_sha256,
                        const std::string& policy_sha256) {
  const HoldOutRecipe& held = recipe.hold_out;
  std::string text =
      absl::StrCat(data_sha256, " ", part, " ", recipe.step_limit, " ",
                   Exactly({held.fraction}), held.minimum, " ", held.seed, " ");
  if (recipe.rows > 0) absl::StrAppend(&text, "rows ", recipe.rows, " ");
  if (part == "policy") {
    const PolicyRecipe& r = recipe.policy;
    absl::StrAppend(&text, Describe(r.schedule), Describe(r.policy_hidden),
                    Describe(r.critic_hidden), r.actor_period, " ",
                    Exactly({r.layer_norm_epsilon, r.discount, r.target_rate,
                             r.beta1, r.beta2, r.target_noise, r.noise_limit}));
  } else if (part == "dynamics") {
    const DynamicsRecipe& r = recipe.dynamics;
    absl::StrAppend(&text, Describe(r.schedule), Describe(r.hidden),
                    r.time_embedding, " ", r.sampler_steps, " ",
                    Exactly({r.beta_min, r.beta_max}));
    if (r.kind == DynamicsKind::kMeanFlow) {
      absl::StrAppend(&text, "mean_flow ",
                      Exactly({r.equal_fraction, r.grid_fraction}));
    }
    if (r.tilt > 0) {
      const bool last = recipe.policy.ship == ShippedWeights::kLast;
      absl::StrAppend(&text, "tilt ", Exactly({r.tilt}));
      if (policy_sha256.empty()) {
        absl::StrAppend(&text, Fingerprint(recipe, "policy", data_sha256),
                        last ? "last" : "");
      } else {
        absl::StrAppend(&text, policy_sha256);
      }
    }
  } else {
    absl::StrAppend(&text, Describe(recipe.reward.schedule),
                    Describe(recipe.reward.hidden));
  }
  return Sha256Hex(text);
}

std::vector<float> MakeBetas(const DynamicsRecipe& recipe) {
  const double K = recipe.sampler_steps;
  std::vector<float> betas;
  for (int k = 1; k <= recipe.sampler_steps; ++k) {
    const double exponent =
        recipe.beta_min / K +
        0.5 * (recipe.beta_max - recipe.beta_min) * (2 * k - 1) / (K * K);
    betas.push_back(static_cast<float>(-std::expm1(-exponent)));
  }
  return betas;
}

}  // namespace foresight
