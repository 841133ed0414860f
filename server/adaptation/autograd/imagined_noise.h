// The noise of rollouts as tensors, and the blocks that particles are split
// into.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "models/networks/dynamics.h"
#include "server/adaptation/autograd/world_model.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/noise.h"

namespace foresight {

struct ParticleBlock {
  int64_t first = 0;
  int64_t count = 0;
};

// Splits particles into blocks of about equal size. A block has at most
// max(`size`, B) particles and begins with a particle of member 0.
std::vector<ParticleBlock> SplitParticles(int64_t particles, int64_t members,
                                          int64_t size);

// Draws the noise of the block's particles for every transition of `problems`,
// which have the same horizon and sampler_steps. Row p R + r is particle first
// + r of problems[p].
SamplerNoise DrawNoise(const WorldModel& model,
                       absl::Span<const Problem* const> problems,
                       NoiseBank bank, const ParticleBlock& block);

}  // namespace foresight
