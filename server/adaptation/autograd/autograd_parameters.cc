#include "server/adaptation/autograd/autograd_parameters.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "models/networks/tensor_standardiser.h"

namespace foresight {

std::vector<float> AutogradParameters::Export() const {
  const at::Tensor values = flat_.to(at::kCPU, at::kFloat).contiguous();
  const float* first = values.data_ptr<float>();
  return {first, first + values.numel()};
}

absl::Status AutogradParameters::Import(absl::Span<const float> values) {
  const int64_t size = values.size();
  if (size != flat_.numel()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "policy parameters have ", size, " values, expected ", flat_.numel()));
  }
  for (int64_t i = 0; i < size; ++i) {
    if (std::isfinite(values[i])) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("policy parameter ", i, " is ", values[i],
                     ", expected a finite value"));
  }
  flat_ = ToTensor(values, {size}, flat_.options());
  return absl::OkStatus();
}

}  // namespace foresight
