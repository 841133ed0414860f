#include "tests/support/small_world.h"

#include <cmath>
#include <random>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/support/d4rl_file.h"

namespace foresight {
namespace {

constexpr int kEpisodeLength = 20;

constexpr char kRecipe[] = R"({
  "name": "small", "version": "1", "environment": "Small-v0",
  "observation_size": 2, "action_size": 1, "step_limit": 20,
  "hold_out": {"fraction": 0.1, "minimum": 2, "seed": 1},
  "evaluations": 2,
  "policy": {
    "steps": STEPS, "batch": 32, "learning_rate": 3e-3, "final_fraction": 0.1,
    "average": 0.9, "seed": 1, "policy_hidden": [16, 16],
    "critic_hidden": [16, 16], "layer_norm_epsilon": 1e-5, "discount": 0.9,
    "target_rate": 0.05, "beta1": 0.01, "beta2": 0.001, "target_noise": 0.2,
    "noise_limit": 0.5, "actor_period": 2
  },
  "dynamics": {
    "steps": STEPS, "batch": 32, "learning_rate": 3e-3, "final_fraction": 0.1,
    "average": 0.9, "seed": 1, "hidden": [16, 16], "time_embedding": 4,
    "sampler_steps": 3, "beta_min": 0.1, "beta_max": 10
  },
  "reward": {
    "steps": STEPS, "batch": 32, "learning_rate": 3e-3, "final_fraction": 0.1,
    "average": 0.9, "seed": 1, "hidden": [16, 16]
  },
  "defaults": {
    "horizon": 5, "particles": 10, "steps": 1, "step_size": 3e-5,
    "mode": "persist", "max_gradient_norm": 100, "max_action_change": 0,
    "max_drift": 0, "accept_only_improvement": false, "noise_scale": 1
  }
})";

}  // namespace

float SmallWorld::Step(float action) {
  const float reward = std::cos(2 * s[0]) - 0.1f * action * action;
  s[0] = 0.5f * s[0] + std::cos(2 * s[1]);
  s[1] = 0.5f * s[1] + action;
  return reward;
}

void WriteSmallWorld(const std::filesystem::path& path, int episodes,
                     uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] {
    return static_cast<float>(random() % 20001) / 10000 - 1;
  };
  std::vector<double> observations, actions, rewards, terminals, timeouts;
  for (int episode = 0; episode < episodes; ++episode) {
    SmallWorld world{{uniform(), uniform()}};
    for (int step = 0; step < kEpisodeLength; ++step) {
      observations.insert(observations.end(), world.s, world.s + 2);
      actions.push_back(uniform());
      rewards.push_back(world.Step(static_cast<float>(actions.back())));
      terminals.push_back(0);
      timeouts.push_back(step + 1 == kEpisodeLength ? 1 : 0);
    }
  }
  const int64_t rows = episodes * kEpisodeLength;
  D4rlFile file(path);
  file.Write("observations", {rows, 2}, observations);
  file.Write("actions", {rows, 1}, actions);
  file.Write("rewards", {rows}, rewards);
  file.Write("terminals", {rows}, terminals, Stored::kBool);
  file.Write("timeouts", {rows}, timeouts, Stored::kBool);
}

std::string SmallRecipe(int steps) {
  return absl::StrReplaceAll(kRecipe, {{"STEPS", std::to_string(steps)}});
}

std::string SmallMeanFlowRecipe(int steps) {
  return absl::StrReplaceAll(
      SmallRecipe(steps),
      {{"\"time_embedding\": 4", "\"time_embedding\": 16"},
       {"\"sampler_steps\": 3, \"beta_min\": 0.1, \"beta_max\": 10",
        "\"kind\": \"mean_flow\", \"sampler_steps\": 1, "
        "\"equal_fraction\": 0.5, \"grid_fraction\": 0.25"}});
}

}  // namespace foresight
