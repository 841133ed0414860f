// The networks of a bundle in plain loops over doubles, straight from
// docs/method.md section 2: an oracle that shares no code with the engines.
// Slow.
#pragma once

#include <cmath>
#include <vector>

#include "models/bundle/bundle.h"
#include "tests/support/dual.h"

namespace foresight {

// T is double, or Dual for derivatives.
template <typename T>
using Vector = std::vector<T>;

template <typename T>
T PlainActivation(const T& x, Activation activation) {
  using std::exp, std::tanh;
  switch (activation) {
    case Activation::kRelu:
      return Value(x) > 0 ? x : T(0);  // The slope at 0 is 0.
    case Activation::kSilu:
      return x / (T(1) + exp(T(0) - x));
    case Activation::kTanh:
      return tanh(x);
  }
  return x;
}

// weight[i], bias[i] of the LayerNorm's component i.
template <typename T, typename Iterator>
Vector<T> PlainLayerNorm(Vector<T> x, Iterator weight, Iterator bias,
                         double epsilon) {
  using std::sqrt;
  T mean = 0, variance = 0;
  for (const T& value : x) mean = mean + value / T(x.size());
  for (const T& value : x) {
    variance = variance + (value - mean) * (value - mean) / T(x.size());
  }
  const T std = sqrt(variance + T(epsilon));
  for (T& value : x) value = (value - mean) / std * *weight++ + *bias++;
  return x;
}

// A network's own parameters in the order of Bundle::PolicyTensorNames().
template <typename T>
Vector<T> PlainParameters(const Network& network) {
  Vector<T> parameters;
  for (const Layer& layer : network.layers) {
    for (const absl::Span<const float> tensor :
         {layer.weight, layer.bias, layer.norm_weight, layer.norm_bias}) {
      parameters.insert(parameters.end(), tensor.begin(), tensor.end());
    }
  }
  return parameters;
}

// A network of this shape with the given parameters, without its standardiser.
template <typename T>
Vector<T> PlainForward(const Network& shape, const Vector<T>& parameters,
                       Vector<T> x) {
  auto next = parameters.begin();
  for (size_t l = 0; l < shape.layers.size(); ++l) {
    const Layer& layer = shape.layers[l];
    const auto weight = next;
    const auto bias = weight + layer.inputs * layer.outputs;
    next = bias + layer.outputs;
    Vector<T> y;
    for (int o = 0; o < layer.outputs; ++o) {
      T sum = bias[o];
      for (int i = 0; i < layer.inputs; ++i) {
        sum = sum + weight[o * layer.inputs + i] * x[i];
      }
      y.push_back(sum);
    }
    x = y;
    if (l + 1 == shape.layers.size()) break;
    for (T& value : x) value = PlainActivation(value, shape.activation);
    if (!shape.layer_norm) continue;
    x = PlainLayerNorm(x, next, next + layer.outputs, shape.layer_norm_epsilon);
    next += 2 * layer.outputs;
  }
  return x;
}

template <typename T>
Vector<T> PlainForward(const Network& network, const Vector<T>& x) {
  return PlainForward(network, PlainParameters<T>(network), x);
}

template <typename T>
Vector<T> PlainStandardise(Vector<T> x, const Standardiser& standardiser) {
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - T(standardiser.mean[i])) / T(standardiser.std[i]);
  }
  return x;
}

template <typename T>
Vector<T> Joined(Vector<T> a, const Vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// pi_psi(s)
template <typename T>
Vector<T> PlainPolicy(const Bundle& bundle, const Vector<T>& psi,
                      const Vector<T>& s) {
  using std::tanh;
  Vector<T> a = PlainForward(bundle.policy(), psi,
                             PlainStandardise(s, bundle.policy_input()));
  for (T& value : a) value = tanh(value);
  return a;
}

template <typename T>
T PlainCritic(const Bundle& bundle, int i, const Vector<T>& s,
              const Vector<T>& a) {
  return PlainForward(
      bundle.critic(i),
      PlainStandardise(Joined(s, a), bundle.critic_input(i)))[0];
}

template <typename T>
T PlainReward(const Bundle& bundle, const Vector<T>& s, const Vector<T>& a) {
  const T y =
      PlainForward(bundle.reward(),
                   PlainStandardise(Joined(s, a), bundle.reward_input()))[0];
  return T(bundle.reward_output().mean[0]) +
         T(bundle.reward_output().std[0]) * y;
}

// [sin(p w_0), .., cos(p w_0), ..]
inline Vector<double> PlainEmbedding(double p, int width) {
  Vector<double> sines, cosines;
  for (int i = 0; i < width / 2; ++i) {
    const double w = std::pow(10000.0, -i / (width / 2.0));
    sines.push_back(std::sin(p * w));
    cosines.push_back(std::cos(p * w));
  }
  return Joined(sines, cosines);
}

// The next state by dynamics member b, with z[slot] numbered as in
// docs/method.md and n steps of mean_flow.
template <typename T>
Vector<T> PlainNext(const Bundle& bundle, int b, const Vector<T>& s,
                    const Vector<T>& a,
                    const std::vector<std::vector<float>>& z, int n) {
  const Vector<T> condition =
      PlainStandardise(Joined(s, a), bundle.dynamics_input());
  const int width = bundle.time_embedding();
  Vector<T> u(z[0].begin(), z[0].end());
  const auto net = [&](const Vector<double>& embedding) {
    return PlainForward(bundle.dynamics(b),
                        Joined(Joined(u, condition),
                               Vector<T>(embedding.begin(), embedding.end())));
  };
  if (bundle.dynamics_kind() == DynamicsKind::kDiffusion) {
    const auto& betas = bundle.manifest().dynamics().betas();
    const int steps = betas.size();
    Vector<double> alpha_bar = {1};
    for (const double beta : betas) {
      alpha_bar.push_back(alpha_bar.back() * (1 - beta));
    }
    for (int k = steps; k >= 1; --k) {
      const double beta = betas[k - 1];
      const Vector<T> noise = net(PlainEmbedding(k, width));
      const double sigma =
          std::sqrt(beta * (1 - alpha_bar[k - 1]) / (1 - alpha_bar[k]));
      for (size_t i = 0; i < u.size(); ++i) {
        u[i] = (u[i] - T(beta / std::sqrt(1 - alpha_bar[k])) * noise[i]) /
               T(std::sqrt(1 - beta));
        if (k > 1) u[i] = u[i] + T(sigma * z[steps - k + 1][i]);
      }
    }
  } else {
    for (int i = 0; i < n; ++i) {
      const double t = 1 - double(i) / n, r = 1 - double(i + 1) / n;
      const Vector<T> v =
          net(Joined(PlainEmbedding(1000 * t, width / 2),
                     PlainEmbedding(1000 * (t - r), width / 2)));
      for (size_t j = 0; j < u.size(); ++j) u[j] = u[j] - T(t - r) * v[j];
    }
  }
  Vector<T> next;
  for (size_t i = 0; i < s.size(); ++i) {
    next.push_back(s[i] + T(bundle.dynamics_output().mean[i]) +
                   T(bundle.dynamics_output().std[i]) * u[i]);
  }
  return next;
}

}  // namespace foresight
