// A small system with data and a recipe, for tests that train quickly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace foresight {

// S = 2, A = 1: s_0' = 0.5 s_0 + cos(2 s_1), s_1' = 0.5 s_1 + a and
// r = cos(2 s_0) - 0.1 a^2, with a ~ U(-1, 1): not linear, and bounded.
struct SmallWorld {
  float s[2] = {0, 0};
  // Takes one step and returns the reward.
  float Step(float action);
};

// `episodes` episodes of 20 steps, each ended by a timeout.
void WriteSmallWorld(const std::filesystem::path& path, int episodes,
                     uint64_t seed);

// A recipe for it with `steps` updates of each part: batch 32, widths 16, K =
// 3, two evaluations, name "small".
std::string SmallRecipe(int steps);
// That recipe with one-step mean_flow dynamics, T = 16.
std::string SmallMeanFlowRecipe(int steps);

}  // namespace foresight
