#include "models/training/mean_flow.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_make_dual.h>
#include <ATen/ops/_unpack_dual.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "models/training/trainer.h"

namespace foresight {
namespace {

namespace forward_ad = torch::autograd::forward_ad;

constexpr double kTimeScale = 1000;     // The bundle's embedding.
constexpr double kFastest = 10 + 1e-6;  // rad per unit of time.

// A level of forward-mode differentiation; there is one at a time.
class DualLevel {
 public:
  DualLevel() : level_(forward_ad::enter_dual_level()) {}
  ~DualLevel() { forward_ad::exit_dual_level(level_); }
  DualLevel(const DualLevel&) = delete;
  DualLevel& operator=(const DualLevel&) = delete;

  at::Tensor Make(const at::Tensor& value, const at::Tensor& slope) const {
    return at::_make_dual(value, slope, static_cast<int64_t>(level_));
  }
  at::Tensor Slope(const at::Tensor& dual) const {
    return std::get<1>(at::_unpack_dual(dual, static_cast<int64_t>(level_)));
  }

 private:
  const uint64_t level_;
};

struct Times {
  at::Tensor t, r;     // [N]
  int64_t moving = 0;  // Rows before it have r < t, the others r = t.
};

// Uniform pairs first, then pairs on the sampler's grid, then r = t.
Times DrawTimes(const DynamicsRecipe& recipe, int64_t rows,
                at::Generator& random) {
  const auto share = [&](double fraction) {
    return static_cast<int64_t>(std::lround(fraction * rows));
  };
  const int64_t equal = share(recipe.equal_fraction);
  const int64_t grid = std::min(share(recipe.grid_fraction), rows - equal);
  const at::TensorOptions floats(at::kFloat);
  const at::Tensor draws = at::rand({2, rows}, random, floats);
  at::Tensor t = at::maximum(draws[0], draws[1]);
  at::Tensor r = at::minimum(draws[0], draws[1]);
  const int64_t free = rows - equal - grid;
  const double n = recipe.sampler_steps;
  const at::Tensor cell =
      at::randint(recipe.sampler_steps, {grid}, random, floats);
  t.narrow(0, free, grid).copy_(1 - cell / n);
  r.narrow(0, free, grid).copy_(1 - (cell + 1) / n);
  // Rows with r = t have a uniform time, not the larger of two.
  t.narrow(0, free + grid, equal).copy_(draws[0].narrow(0, free + grid, equal));
  r.narrow(0, free + grid, equal).copy_(t.narrow(0, free + grid, equal));
  return {t, r, free + grid};
}

}  // namespace

MeanFlow::MeanFlow(const DynamicsRecipe& recipe, int S, int A,
                   at::Generator& random, at::TensorOptions options)
    : recipe_(recipe), mlp_(MakeDynamicsMlp(recipe, S, A, random, options)) {
  const int quarter = recipe.time_embedding / 4;
  std::vector<float> frequencies, kept;
  for (int i = 0; i < quarter; ++i) {
    const double frequency =
        kTimeScale * std::pow(10000.0, -static_cast<double>(i) / quarter);
    frequencies.push_back(static_cast<float>(frequency));
    kept.push_back(frequency <= kFastest ? 1.0f : 0.0f);
  }
  const at::Tensor half = RowsToTensor(kept, 0, options);
  frequencies_ = RowsToTensor(frequencies, 0, options);
  kept_ = at::cat({half, half});  // Sines, cosines.
  const at::NoGradGuard no_grad;
  mlp_.layers.front()
      .weight.narrow(1, S + S + A, recipe.time_embedding)
      .mul_(at::cat({kept_, kept_}));
}

at::Tensor MeanFlow::Embed(const at::Tensor& time) const {
  const at::Tensor angles = time.unsqueeze(-1) * frequencies_;
  return at::cat({angles.sin(), angles.cos()}, -1) * kept_;
}

at::Tensor MeanFlow::Velocity(const Mlp& mlp, const at::Tensor& z,
                              const at::Tensor& inputs, const at::Tensor& t,
                              const at::Tensor& r) const {
  return mlp.Forward(at::cat({z, inputs, Embed(t), Embed(t - r)}, -1));
}

at::Tensor MeanFlow::TimeDerivative(const Mlp& mlp, const at::Tensor& z,
                                    const at::Tensor& velocity,
                                    const at::Tensor& inputs,
                                    const at::Tensor& t,
                                    const at::Tensor& r) const {
  const at::NoGradGuard no_grad;
  const DualLevel level;
  const at::Tensor u = Velocity(mlp, level.Make(z, velocity), inputs,
                                level.Make(t, at::ones_like(t)), r);
  return level.Slope(u);
}

at::Tensor MeanFlow::LossAt(const at::Tensor& inputs, const at::Tensor& changes,
                            const at::Tensor& noise, const at::Tensor& t,
                            const at::Tensor& r, int64_t moving,
                            const at::Tensor& weights) const {
  const at::Tensor time = t.unsqueeze(-1);
  const at::Tensor z = (1 - time) * changes + time * noise;
  at::Tensor predicted = Velocity(mlp_, z, inputs, t, r);
  if (moving > 0) {
    const auto part = [&](const at::Tensor& rows) {
      return rows.narrow(0, 0, moving);
    };
    at::Tensor velocity;
    {
      const at::NoGradGuard no_grad;
      velocity = Velocity(mlp_, part(z), part(inputs), part(t), part(t));
    }
    const at::Tensor slope =
        TimeDerivative(mlp_, part(z), velocity, part(inputs), part(t), part(r));
    predicted = at::cat({part(predicted) + part(t - r).unsqueeze(-1) * slope,
                         predicted.narrow(0, moving, z.size(0) - moving)});
  }
  return WeightedError(predicted, noise - changes, weights);
}

at::Tensor MeanFlow::Loss(const at::Tensor& inputs, const at::Tensor& changes,
                          const at::Tensor& weights,
                          at::Generator& random) const {
  const auto device = inputs.device();
  const Times times = DrawTimes(recipe_, inputs.size(0), random);
  const at::Tensor noise = ToDevice(
      at::randn(changes.sizes(), random, at::TensorOptions(at::kFloat)),
      device);
  return LossAt(inputs, changes, noise, ToDevice(times.t, device),
                ToDevice(times.r, device), times.moving, weights);
}

at::Tensor MeanFlow::Sample(const Mlp& mlp, const at::Tensor& inputs,
                            const at::Tensor& z) const {
  const int n = recipe_.sampler_steps;
  at::Tensor u = z[0];
  for (int i = 0; i < n; ++i) {
    const at::Tensor t = at::full(
        {inputs.size(0)}, 1 - static_cast<double>(i) / n, inputs.options());
    const at::Tensor r = at::full(
        {inputs.size(0)}, 1 - static_cast<double>(i + 1) / n, inputs.options());
    u = u - (1.0 / n) * Velocity(mlp, u, inputs, t, r);
  }
  return u;
}

}  // namespace foresight
