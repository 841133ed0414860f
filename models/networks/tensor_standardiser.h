// Brings inputs of a bundle's networks to unit scale.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include "models/bundle/bundle.h"

namespace foresight {

// x' = (x - mean) / std. It is the identity if every mean is 0 and every std 1.
// Copying shares storage.
struct TensorStandardiser {
  at::Tensor mean;  // [D]; undefined: the identity.
  at::Tensor std;   // [D]

  // [..., D] -> [..., D]; differentiable.
  at::Tensor Forward(const at::Tensor& x) const;

  static TensorStandardiser FromBundle(const Standardiser& standardiser,
                                       const at::TensorOptions& options);
};

// A copy of `values` with this shape.
at::Tensor ToTensor(absl::Span<const float> values, at::IntArrayRef shape,
                    const at::TensorOptions& options);
// As above, for doubles, which are rounded once.
at::Tensor ToTensor(absl::Span<const double> values, at::IntArrayRef shape,
                    const at::TensorOptions& options);

}  // namespace foresight
