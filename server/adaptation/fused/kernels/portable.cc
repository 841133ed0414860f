// The kernels for any machine that the compiler supports.
#define FORESIGHT_VARIANT portable
#define FORESIGHT_VECTOR_BYTES 16
#define FORESIGHT_REGISTER_ROWS 5
#define FORESIGHT_REGISTER_VECTORS 2

#include "server/adaptation/fused/kernels/table.h"

namespace foresight::fused {

extern const Kernels kPortableKernels = portable::Table("portable");

}  // namespace foresight::fused
