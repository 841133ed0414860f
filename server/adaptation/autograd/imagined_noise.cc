#include "server/adaptation/autograd/imagined_noise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

namespace foresight {
namespace {

// Rounds x up to a multiple of `unit`.
int64_t RoundedUp(int64_t x, int64_t unit) {
  return (x + unit - 1) / unit * unit;
}

}  // namespace

std::vector<ParticleBlock> SplitParticles(int64_t particles, int64_t members,
                                          int64_t size) {
  const int64_t largest = std::max(members, size / members * members);
  const int64_t count = RoundedUp(particles, largest) / largest;
  const int64_t even = RoundedUp((particles + count - 1) / count, members);
  std::vector<ParticleBlock> blocks;
  for (int64_t first = 0; first < particles; first += even) {
    blocks.push_back({first, std::min(even, particles - first)});
  }
  return blocks;
}

SamplerNoise DrawNoise(const WorldModel& model,
                       absl::Span<const Problem* const> problems,
                       NoiseBank bank, const ParticleBlock& block) {
  const AdaptationSettings& settings = problems[0]->settings;
  const Sampler& sampler = model.sampler(settings.sampler_steps);
  const int64_t horizon = settings.horizon, slots = sampler.slots();
  const int64_t rows = problems.size() * block.count;
  const size_t size = model.observation_size();
  const at::Tensor z =
      at::empty({horizon, slots, rows, static_cast<int64_t>(size)},
                at::TensorOptions(at::kFloat));
  float* const values = z.data_ptr<float>();
  const auto fill = [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const Problem& problem = *problems[row / block.count];
      const DecisionNoise noise = {problem.seed, problem.decision, bank,
                                   problem.settings.noise_scale};
      for (int64_t i = 0; i < horizon * slots; ++i) {
        FillNoise(noise, i / slots, block.first + row % block.count, i % slots,
                  {values + (i * rows + row) * size, size});
      }
    }
  };
  at::parallel_for(0, rows, /*grain_size=*/16, fill);
  return sampler.Arrange(z.to(model.options()), block.count);
}

}  // namespace foresight
