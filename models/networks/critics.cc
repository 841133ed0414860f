#include "models/networks/critics.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/min.h>
#include <ATen/ops/stack.h>

#include <tuple>

namespace foresight {

at::Tensor CriticNetworks::Values(const at::Tensor& s,
                                  const at::Tensor& a) const {
  const at::Tensor x = at::cat({s, a}, 1);
  return at::stack({mlps[0].Forward(inputs[0].Forward(x)).squeeze(1),
                    mlps[1].Forward(inputs[1].Forward(x)).squeeze(1)});
}

// at::minimum would split the gradient between equal values.
at::Tensor CriticNetworks::Minimum(const at::Tensor& s,
                                   const at::Tensor& a) const {
  return std::get<0>(at::min(Values(s, a), 0));
}

CriticNetworks CriticNetworks::FromBundle(const Bundle& bundle,
                                          const at::TensorOptions& options) {
  CriticNetworks critics;
  for (int i = 0; i < 2; ++i) {
    critics.inputs[i] =
        TensorStandardiser::FromBundle(bundle.critic_input(i), options);
    critics.mlps[i] = Mlp::FromNetwork(bundle.critic(i), options);
  }
  return critics;
}

}  // namespace foresight
