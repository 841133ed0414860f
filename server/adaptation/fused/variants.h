// Selects which compilation of the kernels this CPU runs.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/adaptation/fused/kernels/kernels.h"

namespace foresight::fused {

enum class Variant {
  kAuto,      // FORESIGHT_CPU_VARIANT if set ("portable", "avx2", "avx512"),
              // else the best that this CPU has.
  kPortable,  // The compiler's baseline.
  kAvx2,      // AVX2 and FMA.
  kAvx512,    // AVX-512 F, BW, DQ and VL.
};

enum class Precision {
  kFloat32,
  // Frozen networks' hidden layers multiply in bfloat16 and add in float32;
  // psi, its policy and the sampler's state stay in float32.
  kBfloat16,
};

std::string VariantName(Variant variant);

// The variants that this CPU has, the best first; kPortable is always last.
std::vector<Variant> SupportedVariants();

// With kBfloat16, kAuto and kAvx512 select the kernels with bfloat16 products.
// Errors:
//   InvalidArgument: FORESIGHT_CPU_VARIANT is none of the names.
//   Unavailable:     this CPU lacks what the variant or the precision needs.
absl::StatusOr<const Kernels*> SelectKernels(
    Variant variant, Precision precision = Precision::kFloat32);

}  // namespace foresight::fused
