#include "benchmarks/bench_case.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "models/bundle/random_bundle.h"

namespace foresight {
namespace {

std::shared_ptr<const Bundle> HopperSized(DynamicsKind kind) {
  RandomBundleOptions options;
  options.observation_size = 11;
  options.action_size = 3;
  options.policy.hidden = {256, 256, 256};
  options.critic.hidden = {256, 256, 256};
  options.reward.hidden = {256, 256};
  options.dynamics.hidden = {256, 256, 256};
  options.kind = kind;
  options.sampler_steps = kind == DynamicsKind::kDiffusion ? 10 : 1;
  options.time_embedding = 16;
  return std::make_shared<const Bundle>(RandomBundle(options));
}

// Multiply-adds of one row, counting `columns` inputs of the first layer.
double MultiplyAdds(const Network& network, int columns) {
  double sum = double{1} * columns * network.layers.front().outputs;
  for (size_t l = 1; l < network.layers.size(); ++l) {
    sum += double{1} * network.layers[l].inputs * network.layers[l].outputs;
  }
  return sum;
}

// Multiply-adds of a particle in one step.
double ParticleMultiplyAdds(const Bundle& bundle,
                            const AdaptationSettings& settings) {
  const int states = bundle.observation_size();
  const int both = states + bundle.action_size();
  const int horizon = settings.horizon;
  const Network& dynamics = bundle.dynamics(0);
  const double condition = double{1} * both * dynamics.layers.front().outputs;
  return horizon * settings.sampler_steps * 2 * MultiplyAdds(dynamics, states) +
         horizon * 2 * condition +
         (horizon + 1) * 3 * MultiplyAdds(bundle.policy(), states) +
         horizon * 2 * MultiplyAdds(bundle.reward(), both) +
         3 * MultiplyAdds(bundle.critic(0), both);
}

}  // namespace

std::string BenchCase::dynamics() const {
  return bundle->dynamics_kind() == DynamicsKind::kDiffusion ? "diffusion"
                                                             : "mean_flow";
}

std::string BenchCase::name() const {
  return absl::StrCat("(", settings.particles, ",", settings.horizon, ",",
                      settings.sampler_steps, ",", settings.steps, ") ",
                      dynamics());
}

double BenchCase::gigaflop() const {
  return 2e-9 * settings.steps * settings.particles *
         ParticleMultiplyAdds(*bundle, settings);
}

double BenchCase::gigabytes() const {
  return 4e-9 * settings.steps * ParticleMultiplyAdds(*bundle, settings);
}

std::vector<BenchCase> DefaultCases() {
  const auto diffusion = HopperSized(DynamicsKind::kDiffusion);
  const auto mean_flow = HopperSized(DynamicsKind::kMeanFlow);
  std::vector<BenchCase> cases;
  const auto add = [&](const std::shared_ptr<const Bundle>& bundle,
                       int particles, int steps) {
    BenchCase made;
    made.bundle = bundle;
    made.settings = bundle->defaults();
    made.settings.horizon = 5;
    made.settings.particles = particles;
    made.settings.steps = steps;
    made.settings.sampler_steps = bundle->sampler_limits().steps;
    made.settings.mode = Mode::kReset;
    if (particles == 1) made.settings.noise_scale = 0;
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (int i = 0; i < bundle->observation_size(); ++i) {
      made.observation.push_back(normal(random));
    }
    cases.push_back(made);
  };
  add(diffusion, 1, 1);
  add(diffusion, 10, 1);
  add(diffusion, 10, 5);
  add(diffusion, 64, 1);
  add(diffusion, 256, 1);
  add(mean_flow, 256, 1);
  add(mean_flow, 4096, 1);
  add(mean_flow, 64, 1);  // Beside case 3.
  return cases;
}

}  // namespace foresight
