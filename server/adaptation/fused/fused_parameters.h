// psi in the fused engine's packed form.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "models/bundle/policy_parameters.h"
#include "server/adaptation/fused/model.h"

namespace foresight::fused {

// Shares psi_0 with the model until psi is changed.
class FusedParameters : public PolicyParameters {
 public:
  // Starts as the model's psi_0.
  explicit FusedParameters(std::shared_ptr<const Model> model)
      : model_(std::move(model)) {}

  std::unique_ptr<PolicyParameters> Clone() const override;
  size_t owned_bytes() const override { return own_.size() * sizeof(float); }
  std::vector<float> Export() const override;
  absl::Status Import(absl::Span<const float> values) override;

  const Model* model() const { return model_.get(); }
  // psi in the model's policy layout.
  const float* psi() const {
    return shared() ? model_->psi_0.data() : own_.data();
  }
  bool shared() const { return own_.size() == 0; }
  // |psi - psi_0|^2 if it is known without a pass over psi.
  std::optional<double> squared_drift() const {
    return shared() ? 0.0 : squared_drift_;
  }
  // Exchanges psi's memory with `psi`, which becomes empty if psi was shared.
  void Swap(Buffer& psi, std::optional<double> squared_drift) noexcept {
    std::swap(own_, psi);
    squared_drift_ = squared_drift;
  }
  void Reset() noexcept { own_ = Buffer(); }  // To psi_0.

 private:
  std::shared_ptr<const Model> model_;
  Buffer own_;                           // Without memory: psi_0.
  std::optional<double> squared_drift_;  // For own_.
};

}  // namespace foresight::fused
