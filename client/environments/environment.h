// Environments that are controlled through a server: real physics in the
// client, equal to gymnasium's environments of the same name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace foresight {

struct EnvironmentSpec {
  std::string name;          // gymnasium's: "HalfCheetah-v4".
  int observation_size = 0;  // S
  int action_size = 0;       // A
  int step_limit = 0;        // An episode is cut after this many steps.
  double step_sec = 0;       // Simulated time of a control step.
  std::string model_file;    // MuJoCo's XML file, with its folder.
  // Undiscounted returns of a random and of an expert policy (D4RL's).
  double random_return = 0;
  double expert_return = 0;
};

// The normalised score: 0 for a random policy, 100 for an expert.
double NormalisedScore(const EnvironmentSpec& spec, double episode_return);

struct StepResult {
  std::vector<double> observation;  // [S]
  double reward = 0;
  bool terminated = false;  // The episode is over, whatever the step limit.
};

// Not thread-safe: one episode at a time. Separate environments may run on
// separate threads.
class Environment {
 public:
  virtual ~Environment() = default;

  virtual const EnvironmentSpec& spec() const = 0;

  // Begins an episode and returns its first observation [S]: the one that
  // gymnasium's reset(seed=seed) returns, bit for bit.
  virtual std::vector<double> Reset(uint64_t seed) = 0;

  // Begins an episode at a given position and velocity, in the simulator's
  // generalised coordinates, and returns its first observation [S].
  // Errors: InvalidArgument: a size differs from the model's, or a value is not
  // finite.
  virtual absl::StatusOr<std::vector<double>> SetState(
      absl::Span<const double> position, absl::Span<const double> velocity) = 0;

  // The simulator's generalised coordinates, as SetState takes them.
  virtual std::vector<double> Position() const = 0;

  // Applies `action` [A] for one control step. The caller enforces the step
  // limit. Errors: InvalidArgument: `action` is not A finite values; nothing
  // has moved.
  virtual absl::StatusOr<StepResult> Step(absl::Span<const float> action) = 0;
};

// The names that MakeEnvironment knows.
std::vector<std::string> EnvironmentNames();

// `assets` is the folder of gymnasium's MuJoCo models; if empty, it is the
// environment variable FORESIGHT_ASSETS, or else DefaultAssets of this program.
// Errors:
//   InvalidArgument: no environment has this name (the message lists all), or
//                    the model's file is not a model.
//   NotFound:        the model's file is missing; the message names it.
absl::StatusOr<std::unique_ptr<Environment>> MakeEnvironment(
    const std::string& name, const std::string& assets = "");

}  // namespace foresight
