#include "tests/support/reference_rollout.h"

#include <algorithm>
#include <cmath>

#include "models/bundle/sampler.h"

namespace foresight {
namespace {

using Vector = std::vector<double>;

// One layer's parameters, wherever they come from.
template <typename T>
struct LayerValues {
  absl::Span<const T> weight, bias, norm_weight, norm_bias;
};

template <typename T>
Vector Linear(const LayerValues<T>& layer, const Vector& x) {
  Vector y(layer.bias.begin(), layer.bias.end());
  for (size_t o = 0; o < y.size(); ++o) {
    for (size_t i = 0; i < x.size(); ++i) {
      y[o] += double{layer.weight[o * x.size() + i]} * x[i];
    }
  }
  return y;
}

double Activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return x;
}

template <typename T>
void Normalise(const LayerValues<T>& layer, double epsilon, Vector& x) {
  double mean = 0, variance = 0;
  for (const double value : x) mean += value / x.size();
  for (const double value : x) {
    variance += (value - mean) * (value - mean) / x.size();
  }
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] =
        (x[i] - mean) / std::sqrt(variance + epsilon) * layer.norm_weight[i] +
        layer.norm_bias[i];
  }
}

// `layer_values(l)` gives layer l's parameters.
template <typename F>
Vector Apply(const Network& network, F layer_values, Vector x) {
  for (size_t l = 0; l < network.layers.size(); ++l) {
    const auto layer = layer_values(l);
    x = Linear(layer, x);
    if (l + 1 == network.layers.size()) break;
    for (double& value : x) value = Activate(network.activation, value);
    if (network.layer_norm) Normalise(layer, network.layer_norm_epsilon, x);
  }
  return x;
}

Vector Apply(const Network& network, Vector x) {
  const auto values = [&](size_t l) {
    const Layer& layer = network.layers[l];
    return LayerValues<float>{layer.weight, layer.bias, layer.norm_weight,
                              layer.norm_bias};
  };
  return Apply(network, values, std::move(x));
}

Vector Standardise(const Standardiser& standardiser, Vector x) {
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - standardiser.mean[i]) / standardiser.std[i];
  }
  return x;
}

Vector Join(Vector a, const Vector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

ReferenceRollout::ReferenceRollout(const Bundle& bundle) : bundle_(bundle) {
  for (const std::string& name : bundle.PolicyTensorNames()) {
    const std::vector<float>& values = bundle.tensors().at(name).values;
    offsets_.push_back(psi_0_.size());
    psi_0_.insert(psi_0_.end(), values.begin(), values.end());
  }
  offsets_.push_back(psi_0_.size());
}

Vector ReferenceRollout::Act(absl::Span<const double> psi,
                             absl::Span<const double> state) const {
  const Network& policy = bundle_.policy();
  size_t next = 0;
  const auto take = [&](size_t size) {
    next += size;
    return psi.subspan(next - size, size);
  };
  const auto values = [&](size_t l) {
    const Layer& layer = policy.layers[l];
    LayerValues<double> taken;
    taken.weight = take(layer.weight.size());
    taken.bias = take(layer.bias.size());
    taken.norm_weight = take(layer.norm_weight.size());
    taken.norm_bias = take(layer.norm_bias.size());
    return taken;
  };
  Vector action =
      Apply(policy, values,
            Standardise(bundle_.policy_input(), {state.begin(), state.end()}));
  for (double& a : action) a = std::tanh(a);
  return action;
}

Vector ReferenceRollout::Transit(const Vector& state, const Vector& action,
                                 int h, int m,
                                 const AdaptationSettings& settings,
                                 const DecisionNoise& noise) const {
  const auto draw = [&](int slot) {
    std::vector<float> z(state.size());
    FillNoise(noise, h, m, slot, absl::MakeSpan(z));
    return Vector(z.begin(), z.end());
  };
  const Vector condition =
      Standardise(bundle_.dynamics_input(), Join(state, action));
  const Network& network = bundle_.dynamics(m % bundle_.members());
  const int width = bundle_.time_embedding();
  Vector u = draw(0);
  const auto score = [&](const Vector& embedding) {
    return Apply(network, Join(Join(u, condition), embedding));
  };
  if (bundle_.dynamics_kind() == DynamicsKind::kDiffusion) {
    const auto& betas = bundle_.manifest().dynamics().betas();
    const DiffusionSchedule schedule =
        MakeDiffusionSchedule({betas.data(), size_t(betas.size())});
    const int steps = betas.size();
    for (int k = steps; k > 0; --k) {
      const Vector eps = score(DiffusionEmbedding(k, width));
      const Vector z = k > 1 ? draw(steps - k + 1) : Vector(u.size());
      for (size_t i = 0; i < u.size(); ++i) {
        u[i] = schedule.c1[k - 1] * u[i] - schedule.c2[k - 1] * eps[i] +
               schedule.sigma[k - 1] * z[i];
      }
    }
  } else {
    const int steps = settings.sampler_steps;
    for (int i = 0; i < steps; ++i) {
      const double t = 1 - double(i) / steps, r = 1 - double(i + 1) / steps;
      const Vector v = score(MeanFlowEmbedding(t, r, width));
      for (size_t j = 0; j < u.size(); ++j) u[j] -= (t - r) * v[j];
    }
  }
  Vector next = state;
  for (size_t i = 0; i < u.size(); ++i) {
    next[i] += bundle_.dynamics_output().mean[i] +
               bundle_.dynamics_output().std[i] * u[i];
  }
  return next;
}

double ReferenceRollout::Objective(absl::Span<const double> psi,
                                   absl::Span<const float> observation,
                                   const AdaptationSettings& settings,
                                   const DecisionNoise& noise) const {
  double sum = 0;
  for (int m = 0; m < settings.particles; ++m) {
    Vector state(observation.begin(), observation.end());
    double weight = 1;
    for (int h = 0; h < settings.horizon; ++h) {
      const Vector action = Act(psi, state);
      const Vector reward =
          Apply(bundle_.reward(),
                Standardise(bundle_.reward_input(), Join(state, action)));
      sum += weight * (bundle_.reward_output().mean[0] +
                       bundle_.reward_output().std[0] * reward[0]);
      weight *= settings.discount;
      state = Transit(state, action, h, m, settings, noise);
    }
    const Vector last = Join(state, Act(psi, state));
    double value[2];
    for (int i = 0; i < 2; ++i) {
      value[i] = Apply(bundle_.critic(i),
                       Standardise(bundle_.critic_input(i), last))[0];
    }
    sum += weight * std::min(value[0], value[1]);
  }
  return sum / settings.particles;
}

double ReferenceRollout::Slope(absl::Span<const double> psi,
                               absl::Span<const double> direction,
                               absl::Span<const float> observation,
                               const AdaptationSettings& settings,
                               const DecisionNoise& noise) const {
  double square = 0;
  for (const double d : direction) square += d * d;
  const double epsilon = 1e-5 / std::sqrt(square);
  const auto at = [&](double distance) {
    Vector moved(psi.begin(), psi.end());
    for (size_t i = 0; i < moved.size(); ++i) {
      moved[i] += distance * epsilon * direction[i];
    }
    return Objective(moved, observation, settings, noise);
  };
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * epsilon);
}

}  // namespace foresight
