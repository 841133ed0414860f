// How inputs and outputs of a bundle's networks are brought to unit scale.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include "models/bundle/bundle.h"

namespace foresight {

// x' = (x - mean) / std; nothing where mean is 0 and std 1 throughout.
// Copying shares storage.
struct Standardise {
  at::Tensor mean;  // [D]; undefined: the identity.
  at::Tensor std;   // [D]

  // [..., D] -> [..., D]; differentiable.
  at::Tensor Forward(const at::Tensor& x) const;

  static Standardise FromBundle(const Standardiser& standardiser,
                                const at::TensorOptions& options);
};

// A copy of `values` in that shape.
at::Tensor ToTensor(absl::Span<const float> values, at::IntArrayRef shape,
                    const at::TensorOptions& options);
// The doubles rounded once.
at::Tensor ToTensor(absl::Span<const double> values, at::IntArrayRef shape,
                    const at::TensorOptions& options);

}  // namespace foresight
