// The AMX kernels with tile registers emulated in plain C++, for CPUs without
// AMX.
#define FORESIGHT_VARIANT emulated_amx
#define FORESIGHT_VECTOR_BYTES 64
#define FORESIGHT_REGISTER_ROWS 14
#define FORESIGHT_REGISTER_VECTORS 2

#include "tests/server/adaptation/fused/kernels/emulated_amx_kernels.h"

#include <cstring>

#include "server/adaptation/fused/kernels/tiles.h"

namespace foresight::fused {
namespace {

// Emulates LDTILECFG, TILELOADD, TILESTORED and TDPBF16PS as Intel's manual
// defines them.
class EmulatedTiles {
 public:
  static void Configure(int rows) {
    for (int t = 0; t < 8; ++t) rows_[t] = t < 5 ? rows : 16;
  }
  static void Release() { std::memset(rows_, 0, sizeof(rows_)); }

  template <int T>
  static void Load(const void* from) {
    std::memset(tiles_[T], 0, sizeof(tiles_[T]));
    std::memcpy(tiles_[T], from, rows_[T] * 64);
  }
  template <int T>
  static void Store(void* to) {
    std::memcpy(to, tiles_[T], rows_[T] * 64);
  }
  template <int Sum>
  static void MultiplyAdd() {
    const int b = Sum % 2 == 0 ? 5 : 6;
    for (int r = 0; r < rows_[Sum]; ++r) {
      for (int k = 0; k < rows_[b]; ++k) {
        for (int n = 0; n < 16; ++n) {
          float sum;
          std::memcpy(&sum, tiles_[Sum] + 64 * r + 4 * n, 4);
          for (int j = 0; j < 2; ++j) {
            sum += Half(tiles_[4] + 64 * r + 4 * k + 2 * j) *
                   Half(tiles_[b] + 64 * k + 4 * n + 2 * j);
          }
          std::memcpy(tiles_[Sum] + 64 * r + 4 * n, &sum, 4);
        }
      }
    }
  }

 private:
  static float Half(const char* bytes) {
    uint32_t bits = 0;
    std::memcpy(reinterpret_cast<char*>(&bits) + 2, bytes, 2);
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }

  static thread_local int rows_[8];
  static thread_local char tiles_[8][1024];
};

thread_local int EmulatedTiles::rows_[8];
thread_local char EmulatedTiles::tiles_[8][1024];

}  // namespace

void EmulatedAmxMultiply(const Product& product) {
  emulated_amx::MultiplyTiles<EmulatedTiles>(product);
}

}  // namespace foresight::fused
