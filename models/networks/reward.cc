#include "models/networks/reward.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

namespace foresight {

at::Tensor RewardNetwork::Forward(const at::Tensor& s,
                                  const at::Tensor& a) const {
  const at::Tensor y = mlp.Forward(input.Forward(at::cat({s, a}, 1)));
  return y.squeeze(1) * std + mean;
}

RewardNetwork RewardNetwork::FromBundle(const Bundle& bundle,
                                        const at::TensorOptions& options) {
  return {TensorStandardiser::FromBundle(bundle.reward_input(), options),
          Mlp::FromNetwork(bundle.reward(), options),
          bundle.reward_output().mean.front(),
          bundle.reward_output().std.front()};
}

}  // namespace foresight
