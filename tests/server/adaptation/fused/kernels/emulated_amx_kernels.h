// Kernels::multiply of the AMX kernels, for a CPU with AVX512-BF16.
#pragma once

#include "server/adaptation/fused/kernels/kernels.h"

namespace foresight::fused {

void EmulatedAmxMultiply(const Product& product);

}  // namespace foresight::fused
