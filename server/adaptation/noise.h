// The noise of a decision's imagined rollouts: counter-based, so that every
// engine on every machine draws the same numbers (docs/method.md section 4).
#pragma once

#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace foresight {

// Philox4x32-10 of Salmon et al., SC'11: a bijection of the counter for each
// key, whose outputs are as good as independent uniform 32-bit words.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key);

enum class NoiseBank {
  kAdaptation = 0,  // For the steps.
  kAcceptance = 1,  // For the accept guard.
};

// The acceptance bank's z_slot is the generator's z_{slot + 32768}.
inline constexpr uint32_t kAcceptanceSlots = 32768;

// Names the noise of one decision of one session. A plain value.
struct DecisionNoise {
  uint64_t seed = 0;
  uint64_t decision = 0;  // Only the low 32 bits count.
  NoiseBank bank = NoiseBank::kAdaptation;
  float scale = 1;  // tau; 0 fills zeros.
};

// Fills `z` with tau z_slot of `particle` (m) in `transition` (h): standard
// normal draws times tau, computed in double and rounded once. Component i
// depends only on the arguments and i, so any part of the noise can be drawn at
// any time, on any thread, in any order. Allocates nothing. Takes some 20 ns a
// value. Ranges: transition 0..65535, slot 0..32767, particle 0..2^32 - 1.
void FillNoise(const DecisionNoise& noise, int transition, int particle,
               int slot, absl::Span<float> z);  // [S]

}  // namespace foresight
