// A recipe holds every number that decides how a bundle is trained. It is read
// from a JSON file (recipes/*.json). docs/method.md section 7 names the
// symbols.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "models/bundle/settings.h"

namespace foresight {

// One Adam run over random batches. The running average of the weights ships,
// except where PolicyRecipe::ship says otherwise.
// A decay counts its own optimiser's updates. ReBRAC's actor moves only in
// every second update, so the actor's decay ends half-way down.
struct Schedule {
  int64_t steps = 1;            // >= 1.
  int64_t batch = 256;          // >= 1.
  double learning_rate = 1e-3;  // > 0.
  double final_fraction = 1;    // In (0, 1]: cosine decay's end.
  double average = 0.999;       // Decay of the running average, in [0, 1).
  uint64_t seed = 0;            // For weights and draws.
};

// Which weights of a finished training a bundle takes.
enum class ShippedWeights { kAverage, kLast };

// ReBRAC: the policy and the critics.
struct PolicyRecipe {
  Schedule schedule;
  std::vector<int> policy_hidden, critic_hidden;  // Widths.
  double layer_norm_epsilon = 1e-5;               // For the critics.
  double discount = 0.99;                         // gamma, in (0, 1].
  double target_rate = 0.005;                     // tau, in (0, 1].
  double beta1 = 0;         // >= 0; weighs the actor's distance to the data.
  double beta2 = 0;         // >= 0; the same for the target.
  double target_noise = 0;  // >= 0; noise on the target's action.
  double noise_limit = 0;   // >= 0; clips that noise.
  int actor_period = 2;     // The actor moves once in this many updates, >= 1.
  // A checkpoint holds both kinds, so this may change after the training.
  ShippedWeights ship = ShippedWeights::kAverage;
};

struct DynamicsRecipe {
  DynamicsKind kind = DynamicsKind::kDiffusion;
  Schedule schedule;
  std::vector<int> hidden;
  int time_embedding = 16;  // T: even, >= 2; for mean_flow a multiple of 4.
  int sampler_steps = 10;   // K of diffusion, >= 1; n of mean_flow, 1..64.
  // eta of the tilted loss (tilt.h), >= 0; 0: every row counts the same. If it
  // is not 0 the policy must be trained before the dynamics.
  double tilt = 0;

  // Diffusion only:
  // beta_k = 1 - exp(-min/K - (max - min) (2k - 1) / (2 K^2)), k = 1..K.
  double beta_min = 0.1;  // > 0.
  double beta_max = 10;   // >= beta_min.

  // mean_flow only: the fraction of a batch with r = t, and the fraction with
  // times on the sampler's grid. The rest draws r < t uniformly. Each is in
  // [0, 1], and so is their sum.
  double equal_fraction = 0.5;
  double grid_fraction = 0.25;
};

struct RewardRecipe {
  Schedule schedule;
  std::vector<int> hidden;
};

// Whole episodes that no part is trained on.
struct HoldOutRecipe {
  double fraction = 0.02;  // In [0, 1), of the episodes ..
  int minimum = 3;         // .. but at least this many, >= 1.
  uint64_t seed = 0;       // Chooses the episodes.
};

struct Recipe {
  std::string name;         // The bundle gets this name ..
  std::string version;      // .. and this version.
  std::string environment;  // "HalfCheetah-v4".
  int observation_size = 0;
  int action_size = 0;
  int step_limit = 1000;  // Ends episodes where the data has no timeouts.
  int64_t rows = 0;       // Uses only the data's first rows; 0 for all.
  HoldOutRecipe hold_out;
  int evaluations = 20;  // Per part, >= 1; each saves a checkpoint.
  PolicyRecipe policy;
  DynamicsRecipe dynamics;
  RewardRecipe reward;
  AdaptationSettings defaults;  // sampler_steps as in `dynamics`.
};

// Reads and checks the recipe in the JSON file `path`. Every field that
// models/README.md does not call optional is required; unknown ones are errors.
// Errors, naming the file, the field, its value and what was expected:
//   NotFound:        there is no such file.
//   InvalidArgument: anything else.
absl::StatusOr<Recipe> ReadRecipe(const std::filesystem::path& path);

// Parses a recipe's text; `name` stands for the file in messages.
absl::StatusOr<Recipe> ParseRecipe(const std::string& text,
                                   const std::string& name);

// The names of a bundle's parts.
inline constexpr const char* kParts[] = {"policy", "dynamics", "reward"};

// The schedule of one of kParts.
const Schedule& ScheduleOf(const Recipe& recipe, const std::string& part);

// A digest of everything that decides how `part` is trained on the data set
// with this digest. Runs with equal fingerprints take the same steps.
// `policy_sha256` identifies the policy that a tilt depends on, if the recipe
// did not train it.
std::string Fingerprint(const Recipe& recipe, const std::string& part,
                        const std::string& data_sha256,
                        const std::string& policy_sha256 = "");

// The betas of the dynamics, [K].
std::vector<float> MakeBetas(const DynamicsRecipe& recipe);

}  // namespace foresight
