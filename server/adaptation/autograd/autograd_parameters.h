// A session's psi on the autograd engine.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "models/bundle/policy_parameters.h"

namespace foresight {

// A flat tensor [N] on the engine's device. Tensors are replaced, never changed
// in place, so equal sessions share one.
class AutogradParameters : public PolicyParameters {
 public:
  // Starts as psi_0, in the model's memory.
  explicit AutogradParameters(at::Tensor pretrained)
      : pretrained_(std::move(pretrained)), flat_(pretrained_) {}

  const at::Tensor& flat() const { return flat_; }
  void Replace(at::Tensor flat) noexcept { flat_ = std::move(flat); }

  std::unique_ptr<PolicyParameters> Clone() const override {
    auto clone = std::make_unique<AutogradParameters>(pretrained_);
    clone->flat_ = flat_;
    return clone;
  }
  size_t owned_bytes() const override {
    return flat_.is_same(pretrained_) ? 0 : flat_.nbytes();
  }
  std::vector<float> Export() const override;
  absl::Status Import(absl::Span<const float> values) override;

 private:
  at::Tensor pretrained_, flat_;
};

}  // namespace foresight
