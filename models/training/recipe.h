// Every number that decides how a bundle is trained, as read from a JSON file
// (recipes/*.json). docs/method.md section 7 names the symbols.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "models/bundle/settings.h"

namespace foresight {

// One Adam run over random batches; the running average of the weights is
// what ships. An optimiser's decay counts its own updates: that of ReBRAC's
// actor, which moves every second update, ends half-way down.
struct Schedule {
  int64_t steps = 1;            // >= 1.
  int64_t batch = 256;          // >= 1.
  double learning_rate = 1e-3;  // > 0.
  double final_fraction = 1;    // In (0, 1]: what cosine decay ends at.
  double average = 0.999;       // Decay of the running average, in [0, 1).
  uint64_t seed = 0;            // Of the weights and of every draw.
};

// ReBRAC: the policy and the critics.
struct PolicyRecipe {
  Schedule schedule;
  std::vector<int> policy_hidden, critic_hidden;  // Widths.
  double layer_norm_epsilon = 1e-5;               // Of the critics.
  double discount = 0.99;                         // gamma, in (0, 1].
  double target_rate = 0.005;                     // tau, in (0, 1].
  double beta1 = 0;         // Of the actor's distance to the data, >= 0.
  double beta2 = 0;         // Of the target's, >= 0.
  double target_noise = 0;  // Of the target's action, >= 0 ..
  double noise_limit = 0;   // .. and where it is clipped, >= 0.
  int actor_period = 2;     // The actor moves every so many updates, >= 1.
};

struct DynamicsRecipe {
  DynamicsKind kind = DynamicsKind::kDiffusion;
  Schedule schedule;
  std::vector<int> hidden;
  int time_embedding = 16;  // T: even, >= 2; of mean_flow a multiple of 4.
  int sampler_steps = 10;   // K of diffusion, >= 1; n of mean_flow, 1..64.
  // eta of the tilted loss (tilt.h), >= 0; 0: every row counts the same. Needs
  // the policy to be trained before the dynamics.
  double tilt = 0;

  // Diffusion only:
  // beta_k = 1 - exp(-min/K - (max - min) (2k - 1) / (2 K^2)), k = 1..K.
  double beta_min = 0.1;  // > 0.
  double beta_max = 10;   // >= beta_min.

  // Mean_flow only: the parts of a batch whose times are r = t, and those that
  // the sampler steps between. The rest draws r < t uniformly. In [0, 1], their
  // sum too.
  double equal_fraction = 0.5;
  double grid_fraction = 0.25;
};

struct RewardRecipe {
  Schedule schedule;
  std::vector<int> hidden;
};

// Whole episodes that no part is trained on.
struct HoldOutRecipe {
  double fraction = 0.02;  // Of the episodes, in [0, 1) ..
  int minimum = 3;         // .. but at least so many, >= 1.
  uint64_t seed = 0;       // Decides which.
};

struct Recipe {
  std::string name;         // The bundle's.
  std::string version;      // The bundle's.
  std::string environment;  // "HalfCheetah-v4".
  int observation_size = 0;
  int action_size = 0;
  int step_limit = 1000;  // Ends episodes where the data has no timeouts.
  HoldOutRecipe hold_out;
  int evaluations = 20;  // And checkpoints per part, >= 1.
  PolicyRecipe policy;
  DynamicsRecipe dynamics;
  RewardRecipe reward;
  AdaptationSettings defaults;  // sampler_steps is the dynamics'.
};

// Reads and checks the recipe in the JSON file `path`. Every field must be
// there and no other may.
// Errors, naming the file and the field, with what was expected and what came:
//   NotFound:        there is no such file.
//   InvalidArgument: anything else.
absl::StatusOr<Recipe> ReadRecipe(const std::filesystem::path& path);

// The same from text; `name` stands for the file in messages.
absl::StatusOr<Recipe> ParseRecipe(const std::string& text,
                                   const std::string& name);

// What a bundle is made of, by name.
inline constexpr const char* kParts[] = {"policy", "dynamics", "reward"};

// Of one of kParts.
const Schedule& ScheduleOf(const Recipe& recipe, const std::string& part);

// A digest of all that decides how `part` is trained on the data set with this
// digest: two runs with the same one take the same steps.
std::string Fingerprint(const Recipe& recipe, const std::string& part,
                        const std::string& data_sha256);

// The betas of the dynamics, [K].
std::vector<float> MakeBetas(const DynamicsRecipe& recipe);

}  // namespace foresight
