// The kernels for x86-64 with AVX-512 F, BW, DQ and VL.
#define FORESIGHT_VARIANT avx512
#define FORESIGHT_VECTOR_BYTES 64
#define FORESIGHT_REGISTER_ROWS 14
#define FORESIGHT_REGISTER_VECTORS 2

#include "server/adaptation/fused/kernels/table.h"

namespace foresight::fused {

extern const Kernels kAvx512Kernels = avx512::Table("avx512");

}  // namespace foresight::fused
