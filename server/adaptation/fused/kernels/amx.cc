// The AVX-512 kernels with products on AMX tiles of bfloat16, for CPUs with
// AVX512-BF16 and AMX. They have not been timed on such a CPU yet.
#define FORESIGHT_VARIANT amx
#define FORESIGHT_VECTOR_BYTES 64
#define FORESIGHT_REGISTER_ROWS 14
#define FORESIGHT_REGISTER_VECTORS 2

#include "server/adaptation/fused/kernels/amx_tiles.h"
#include "server/adaptation/fused/kernels/table.h"
#include "server/adaptation/fused/kernels/tiles.h"

namespace foresight::fused {
namespace amx {

constexpr Kernels TileTable() {
  Kernels table = Table("avx512-amx");
  table.half = true;
  table.multiply = MultiplyTiles<AmxTiles>;
  return table;
}

}  // namespace amx

extern const Kernels kAmxKernels = amx::TileTable();

}  // namespace foresight::fused
