// Vectors for the kernels, as the compiler's vector types. Included only in a
// VARIANT.cc, which defines the width. Everything is in the variant's
// namespace, so that code for one instruction set is never linked into another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/adaptation/fused/kernels/kernels.h"

#if !defined(FORESIGHT_VARIANT) || !defined(FORESIGHT_VECTOR_BYTES)
#error "Include this from VARIANT.cc only."
#endif

#define FORESIGHT_INLINE inline __attribute__((always_inline))

namespace foresight::fused::FORESIGHT_VARIANT {

constexpr int kLanes = FORESIGHT_VECTOR_BYTES / 4;
constexpr int kVectorsPerTile = kTile / kLanes;

typedef float Vector __attribute__((vector_size(FORESIGHT_VECTOR_BYTES)));
typedef int32_t Integers __attribute__((vector_size(FORESIGHT_VECTOR_BYTES)));
// Half as many lanes of twice the width.
typedef double Doubles __attribute__((vector_size(FORESIGHT_VECTOR_BYTES)));
typedef int64_t Longs __attribute__((vector_size(FORESIGHT_VECTOR_BYTES)));
typedef uint64_t Words __attribute__((vector_size(FORESIGHT_VECTOR_BYTES)));
typedef float Half __attribute__((vector_size(FORESIGHT_VECTOR_BYTES / 2)));

FORESIGHT_INLINE Vector Load(const float* p) {
  return *reinterpret_cast<const Vector*>(p);
}
FORESIGHT_INLINE Half LoadHalf(const float* p) {
  return *reinterpret_cast<const Half*>(p);
}
FORESIGHT_INLINE void Store(float* p, Vector x) {
  *reinterpret_cast<Vector*>(p) = x;
}
FORESIGHT_INLINE Vector Broadcast(float x) { return x - Vector{}; }
FORESIGHT_INLINE Doubles Widen(Half x) {
  return __builtin_convertvector(x, Doubles);
}

FORESIGHT_INLINE float Sum(Vector x) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += x[i];
  return sum;
}
FORESIGHT_INLINE double Sum(Doubles x) {
  double sum = 0;
  for (int i = 0; i < kLanes / 2; ++i) sum += x[i];
  return sum;
}

}  // namespace foresight::fused::FORESIGHT_VARIANT
