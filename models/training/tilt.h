// Weights that tilt the dynamics' loss towards the policy's actions.
#pragma once

#include <ATen/core/Tensor.h>

namespace foresight {

// Each row's weight w_i = exp(eta l_i) / mean_j exp(eta l_j), where l_i is log
// N(a_i; pi(s_i), 0.2^2 I) up to a constant, from the squared distances |a_i -
// pi(s_i)|^2 [N] (docs/method.md section 7). These weights make a model of
// limited size most exact where the policy goes.
//
// The safeguards: l_i is raised to at least max_j l_j - 10, no weight is above
// 20, and eta is reduced until the effective sample size (sum w)^2 / sum w^2 is
// at least N / 2.
at::Tensor TiltedWeights(const at::Tensor& squared_distances, double eta);

}  // namespace foresight
