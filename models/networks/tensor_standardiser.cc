#include "models/networks/tensor_standardiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

namespace foresight {
namespace {

template <typename T>
at::Tensor Copy(absl::Span<const T> values, at::IntArrayRef shape,
                at::ScalarType type, const at::TensorOptions& options) {
  return at::from_blob(const_cast<T*>(values.data()), shape,
                       at::TensorOptions(type))
      .to(options, /*non_blocking=*/false, /*copy=*/true);
}

bool All(absl::Span<const float> values, float expected) {
  return std::all_of(values.begin(), values.end(),
                     [expected](float x) { return x == expected; });
}

}  // namespace

at::Tensor TensorStandardiser::Forward(const at::Tensor& x) const {
  if (!mean.defined()) return x;
  return (x - mean) / std;
}

TensorStandardiser TensorStandardiser::FromBundle(
    const Standardiser& standardiser, const at::TensorOptions& options) {
  if (All(standardiser.mean, 0) && All(standardiser.std, 1)) return {};
  const int64_t size = standardiser.mean.size();
  return {ToTensor(standardiser.mean, {size}, options),
          ToTensor(standardiser.std, {size}, options)};
}

at::Tensor ToTensor(absl::Span<const float> values, at::IntArrayRef shape,
                    const at::TensorOptions& options) {
  return Copy(values, shape, at::kFloat, options);
}

at::Tensor ToTensor(absl::Span<const double> values, at::IntArrayRef shape,
                    const at::TensorOptions& options) {
  return Copy(values, shape, at::kDouble, options);
}

}  // namespace foresight
