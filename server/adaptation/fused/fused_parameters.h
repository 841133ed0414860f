// psi in the fused engine's packed form.
#pragma once

#include <memory>
#include <vector>

#include "models/bundle/policy_parameters.h"
#include "server/adaptation/fused/model.h"

namespace foresight::fused {

class FusedParameters : public PolicyParameters {
 public:
  // psi_0 of the model.
  explicit FusedParameters(std::shared_ptr<const Model> model);

  std::unique_ptr<PolicyParameters> Clone() const override;
  std::vector<float> Export() const override;
  absl::Status Import(absl::Span<const float> values) override;

  const Model* model() const { return model_.get(); }
  const Buffer& psi() const { return psi_; }  // In the model's policy layout.
  // Takes `psi`, gives the old memory back in it.
  void Swap(Buffer& psi);
  void Reset();  // To psi_0.

 private:
  std::shared_ptr<const Model> model_;
  Buffer psi_;
  bool pretrained_ = true;  // Equal to psi_0 for certain.
};

}  // namespace foresight::fused
