// The imagined return and its gradient by Theorem 4.1's forward recursion
// (docs/method.md section 3), in plain doubles. It shares only the noise with
// the engines. The cost grows with the square of the policy's size, so use
// small policies.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "models/bundle/bundle.h"
#include "server/adaptation/noise.h"
#include "tests/support/dual.h"
#include "tests/support/plain_networks.h"

namespace foresight {

using Matrix = std::vector<std::vector<double>>;  // Rows.

inline Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix product(a.size(), std::vector<double>(b[0].size()));
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t k = 0; k < b.size(); ++k) {
      for (size_t j = 0; j < b[0].size(); ++j) {
        product[i][j] += a[i][k] * b[k][j];
      }
    }
  }
  return product;
}

inline Matrix operator+(Matrix a, const Matrix& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < a[0].size(); ++j) a[i][j] += b[i][j];
  }
  return a;
}

// The variables first .. first + x.size() - 1 of `count`.
inline Vector<Dual> Variables(const std::vector<double>& x, int first,
                              int count) {
  Vector<Dual> variables;
  for (size_t i = 0; i < x.size(); ++i) {
    variables.push_back(Dual::Variable(x[i], first + i, count));
  }
  return variables;
}

inline Vector<Dual> Constants(const std::vector<double>& x) {
  return {x.begin(), x.end()};
}

// Derivatives of y with respect to variables first .. first + count - 1.
inline Matrix Jacobian(const Vector<Dual>& y, int first, int count) {
  Matrix jacobian;
  for (const Dual& value : y) {
    jacobian.emplace_back();
    for (int i = 0; i < count; ++i) {
      jacobian.back().push_back(value.slope(first + i));
    }
  }
  return jacobian;
}

inline std::vector<double> PlainValues(const Vector<Dual>& x) {
  std::vector<double> values;
  for (const Dual& value : x) values.push_back(value.value);
  return values;
}

struct OracleCase {
  std::vector<double> psi, state;
  int horizon = 5, particles = 10;
  int sampler_steps = 1;  // For mean_flow.
  double discount = 0.99;
  DecisionNoise noise;
};

struct OracleResult {
  double objective = 0;                     // J
  std::vector<double> gradient;             // dJ/dpsi
  std::array<int, 2> minimal_critic{0, 0};  // How often each was the smaller.
};

// z[slot] of a transition.
inline std::vector<std::vector<float>> OracleNoise(const Bundle& bundle,
                                                   const OracleCase& c, int h,
                                                   int m) {
  const bool diffusion = bundle.dynamics_kind() == DynamicsKind::kDiffusion;
  const int slots = diffusion ? bundle.manifest().dynamics().betas_size() : 1;
  std::vector<std::vector<float>> z(
      slots, std::vector<float>(bundle.observation_size()));
  for (int j = 0; j < slots; ++j) {
    FillNoise(c.noise, h, m, j, absl::MakeSpan(z[j]));
  }
  return z;
}

// Adds particle m's J_m and its gradient to `sum`.
inline void AddParticle(const Bundle& bundle, const OracleCase& c, int m,
                        OracleResult& sum) {
  const int states = bundle.observation_size(), actions = bundle.action_size();
  const int inputs = states + actions, size = c.psi.size();
  std::vector<double> s = c.state;
  Matrix g(states, std::vector<double>(size));  // G_h = ds_h/dpsi
  const auto add = [&](double weight, const Dual& y, const Matrix& d) {
    sum.objective += weight * y.value;
    const Matrix slope =
        Jacobian({y}, 0, states) * g + Jacobian({y}, states, actions) * d;
    for (int i = 0; i < size; ++i) sum.gradient[i] += weight * slope[0][i];
  };
  for (int h = 0; h <= c.horizon; ++h) {
    const Vector<Dual> at = Variables(s, 0, inputs);
    const Matrix pi_s =
        Jacobian(PlainPolicy(bundle, Constants(c.psi), at), 0, states);
    const Vector<Dual> action =
        PlainPolicy(bundle, Variables(c.psi, 0, size), Constants(s));
    const std::vector<double> a = PlainValues(action);
    const Matrix d = pi_s * g + Jacobian(action, 0, size);  // D_h = da_h/dpsi
    const Vector<Dual> with = Variables(a, states, inputs);
    const double weight = std::pow(c.discount, h);
    if (h == c.horizon) {
      const Dual q0 = PlainCritic(bundle, 0, at, with);
      const Dual q1 = PlainCritic(bundle, 1, at, with);
      const bool first = q0.value <= q1.value;
      ++sum.minimal_critic[first ? 0 : 1];
      add(weight, first ? q0 : q1, d);
      return;
    }
    add(weight, PlainReward(bundle, at, with), d);
    const Vector<Dual> next =
        PlainNext(bundle, m % bundle.members(), at, with,
                  OracleNoise(bundle, c, h, m), c.sampler_steps);
    g = Jacobian(next, 0, states) * g + Jacobian(next, states, actions) * d;
    s = PlainValues(next);
  }
}

inline OracleResult ForwardOracle(const Bundle& bundle, const OracleCase& c) {
  OracleResult result;
  result.gradient.resize(c.psi.size());
  for (int m = 0; m < c.particles; ++m) AddParticle(bundle, c, m, result);
  result.objective /= c.particles;
  for (double& slope : result.gradient) slope /= c.particles;
  return result;
}

}  // namespace foresight
