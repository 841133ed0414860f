#include "models/training/tilt.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/exp.h>

namespace foresight {
namespace {

constexpr double kVariance = 0.2 * 0.2;  // For each component.
constexpr double kLowest = -10;          // l_i - max l.
constexpr double kLargestWeight = 20;
constexpr double kSmallestSample = 0.5;  // As a fraction of all rows.
constexpr int kHalvings = 30;

at::Tensor Weights(const at::Tensor& likelihoods, double eta) {
  const at::Tensor raw = at::exp(likelihoods * eta);
  return at::clamp_max(raw / raw.mean(), kLargestWeight);
}

double SampleSize(const at::Tensor& weights) {
  const double sum = weights.sum().item<double>();
  return sum * sum / weights.square().sum().item<double>();
}

}  // namespace

at::Tensor TiltedWeights(const at::Tensor& squared_distances, double eta) {
  const at::Tensor l = squared_distances.to(at::kDouble) * (-0.5 / kVariance);
  const at::Tensor likelihoods = at::clamp(l - l.max(), kLowest, 0);
  const double least = kSmallestSample * static_cast<double>(l.numel());
  const auto enough = [&](double some) {
    return SampleSize(Weights(likelihoods, some)) >= least;
  };
  // The effective sample shrinks as eta grows; eta 0 keeps all of it.
  double low = 0, high = eta;
  if (enough(eta)) low = eta;
  for (int i = 0; i < kHalvings && low < high; ++i) {
    const double middle = (low + high) / 2;
    (enough(middle) ? low : high) = middle;
  }
  return Weights(likelihoods, low).to(squared_distances.scalar_type());
}

}  // namespace foresight
