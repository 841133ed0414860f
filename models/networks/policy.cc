#include "models/networks/policy.h"

#include <ATen/ops/tanh.h>

namespace foresight {

at::Tensor PolicyNetwork::Act(const at::Tensor& s) const {
  return at::tanh(ActBeforeTanh(s));
}

at::Tensor PolicyNetwork::ActBeforeTanh(const at::Tensor& s) const {
  return mlp.Forward(input.Forward(s));
}

PolicyNetwork PolicyNetwork::WithParameters(
    const std::vector<at::Tensor>& psi) const {
  return {input, mlp.WithParameters(psi)};
}

PolicyNetwork PolicyNetwork::FromBundle(const Bundle& bundle,
                                        const at::TensorOptions& options) {
  return {TensorStandardiser::FromBundle(bundle.policy_input(), options),
          Mlp::FromNetwork(bundle.policy(), options)};
}

}  // namespace foresight
