// The kernels for x86-64 with AVX2 and FMA.
#define FORESIGHT_VARIANT avx2
#define FORESIGHT_VECTOR_BYTES 32
#define FORESIGHT_REGISTER_ROWS 6
#define FORESIGHT_REGISTER_VECTORS 2

#include "server/adaptation/fused/kernels/table.h"

namespace foresight::fused {

extern const Kernels kAvx2Kernels = avx2::Table("avx2");

}  // namespace foresight::fused
