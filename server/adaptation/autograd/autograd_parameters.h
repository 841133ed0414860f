// psi of a session of the autograd engine.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "models/bundle/policy_parameters.h"

namespace foresight {

// A flat tensor [N] on the engine's device. Tensors are never changed in place
// but replaced, so sessions that are equal share one.
class AutogradParameters : public PolicyParameters {
 public:
  explicit AutogradParameters(at::Tensor flat) : flat_(std::move(flat)) {}

  const at::Tensor& flat() const { return flat_; }
  void Replace(at::Tensor flat) noexcept { flat_ = std::move(flat); }

  std::unique_ptr<PolicyParameters> Clone() const override {
    return std::make_unique<AutogradParameters>(flat_);
  }
  std::vector<float> Export() const override;
  absl::Status Import(absl::Span<const float> values) override;

 private:
  at::Tensor flat_;
};

}  // namespace foresight
