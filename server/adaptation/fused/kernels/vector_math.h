// exp and tanh on vectors, with a relative error of about 1e-7, the last bit or
// two of float32. NaN gives NaN. Included by VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

// e^x, with x clamped to [-87, 88]. x = n ln 2 + r with |r| <= ln 2 / 2; e^r by
// Cephes' minimax polynomial.
FORESIGHT_INLINE Vector Exp(Vector x) {
  const Vector low = Broadcast(-87.0f), high = Broadcast(88.0f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  // Adding 1.5 * 2^23 rounds to the nearest integer, left in the low bits.
  const Vector magic = Broadcast(12582912.0f);
  const Vector shifted = x * 1.44269504088896341f + magic;
  const Vector n = shifted - magic;
  const Vector r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + (r + 1.0f);
  const Integers bits = reinterpret_cast<Integers>(p);
  const Integers exponent = reinterpret_cast<Integers>(shifted) << 23;
  return reinterpret_cast<Vector>(bits + exponent);
}

// Near 0 an odd polynomial (Cephes), since 1 - 2 / (e^2x + 1) loses digits.
FORESIGHT_INLINE Vector Tanh(Vector x) {
  const Vector magnitude = x < 0.0f ? -x : x;
  const Vector far = 1.0f - 2.0f / (Exp(magnitude + magnitude) + 1.0f);
  const Vector square = x * x;
  Vector p = square * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Vector near = p * square * x + x;
  const Vector signed_far = x < 0.0f ? -far : far;
  return magnitude < 0.625f ? near : signed_far;
}

}  // namespace foresight::fused::FORESIGHT_VARIANT
