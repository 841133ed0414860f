// The eight tile registers of AMX: 16 rows of 64 bytes each. A tile's number
// must be a literal, hence the lists.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace foresight::fused {

class AmxTiles {
 public:
  // Gives registers 0..4 `rows` rows and the others 16.
  static void Configure(int rows) {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int t = 0; t < 8; ++t) {
      config.row_bytes[t] = 64;
      config.rows[t] = static_cast<uint8_t>(t < 5 ? rows : 16);
    }
    Written();
    _tile_loadconfig(&config);
  }
  // Clears the registers, so that the operating system need not save them.
  static void Release() { _tile_release(); }

  // Rows are 64 bytes apart.
  template <int T>
  static void Load(const void* from) {
    static_assert(T >= 0 && T < 7);
    Written();
    if constexpr (T == 0) _tile_loadd(0, from, 64);
    if constexpr (T == 1) _tile_loadd(1, from, 64);
    if constexpr (T == 2) _tile_loadd(2, from, 64);
    if constexpr (T == 3) _tile_loadd(3, from, 64);
    if constexpr (T == 4) _tile_loadd(4, from, 64);
    if constexpr (T == 5) _tile_loadd(5, from, 64);
    if constexpr (T == 6) _tile_loadd(6, from, 64);
  }
  template <int T>
  static void Store(void* to) {
    static_assert(T >= 0 && T < 4);
    if constexpr (T == 0) _tile_stored(0, to, 64);
    if constexpr (T == 1) _tile_stored(1, to, 64);
    if constexpr (T == 2) _tile_stored(2, to, 64);
    if constexpr (T == 3) _tile_stored(3, to, 64);
  }
  // sum[r, n] += a[r, 2 k] b[k, 2 n] + a[r, 2 k + 1] b[k, 2 n + 1] over k, with
  // float32 sums and bfloat16 a in register 4 and b in register 5 (even sums)
  // or 6 (odd ones).
  template <int Sum>
  static void MultiplyAdd() {
    static_assert(Sum >= 0 && Sum < 4);
    if constexpr (Sum == 0) _tile_dpbf16ps(0, 4, 5);
    if constexpr (Sum == 1) _tile_dpbf16ps(1, 4, 6);
    if constexpr (Sum == 2) _tile_dpbf16ps(2, 4, 5);
    if constexpr (Sum == 3) _tile_dpbf16ps(3, 4, 6);
  }

 private:
  // Forces earlier writes to memory: GCC does not know that tile loads read it.
  static void Written() { __asm__ volatile("" ::: "memory"); }
};

}  // namespace foresight::fused
