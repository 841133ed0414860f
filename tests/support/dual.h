// Dual numbers: a value with its derivatives in some directions, for oracles
// that need Jacobians of small functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace foresight {

// x + sum_i slopes[i] eps_i with eps_i eps_j = 0. Numbers of one computation
// have the same number of slopes, or none, which counts as zeros.
struct Dual {
  Dual(double x = 0) : value(x) {}  // NOLINT: a constant is a dual number.

  // The independent variable `index` of `count`.
  static Dual Variable(double x, int index, int count) {
    Dual dual(x);
    dual.slopes.assign(count, 0);
    dual.slopes[index] = 1;
    return dual;
  }

  double slope(size_t i) const { return i < slopes.size() ? slopes[i] : 0; }

  double value;
  std::vector<double> slopes;
};

// f(a, b) with df/da, df/db.
inline Dual Chain(double value, const Dual& a, double da, const Dual& b = 0,
                  double db = 0) {
  Dual result(value);
  result.slopes.resize(std::max(a.slopes.size(), b.slopes.size()));
  for (size_t i = 0; i < result.slopes.size(); ++i) {
    result.slopes[i] = da * a.slope(i) + db * b.slope(i);
  }
  return result;
}

inline Dual operator+(const Dual& a, const Dual& b) {
  return Chain(a.value + b.value, a, 1, b, 1);
}
inline Dual operator-(const Dual& a, const Dual& b) {
  return Chain(a.value - b.value, a, 1, b, -1);
}
inline Dual operator*(const Dual& a, const Dual& b) {
  return Chain(a.value * b.value, a, b.value, b, a.value);
}
inline Dual operator/(const Dual& a, const Dual& b) {
  return Chain(a.value / b.value, a, 1 / b.value, b,
               -a.value / (b.value * b.value));
}
inline Dual exp(const Dual& a) {
  const double y = std::exp(a.value);
  return Chain(y, a, y);
}
inline Dual sqrt(const Dual& a) {
  const double y = std::sqrt(a.value);
  return Chain(y, a, 0.5 / y);
}
inline Dual tanh(const Dual& a) {
  const double y = std::tanh(a.value);
  return Chain(y, a, 1 - y * y);
}

inline double Value(double x) { return x; }
inline double Value(const Dual& x) { return x.value; }

}  // namespace foresight
