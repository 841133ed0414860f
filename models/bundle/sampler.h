// Constants of the dynamics' samplers, the same for every engine and for
// training (docs/method.md section 2): computed in double, rounded by their
// users.
#pragma once

#include <vector>

#include "absl/types/span.h"

namespace foresight {

// DDPM ancestral sampling. Index k - 1 of each vector is sampler step k = 1..K:
//   u_{k-1} = c1_k u_k - c2_k eps_theta(u_k, s, a, k) + sigma_k z
struct DiffusionSchedule {
  std::vector<double> alpha_bar;  // [K] prod_{j <= k} (1 - beta_j)
  std::vector<double> c1;         // [K] 1 / sqrt(alpha_k)
  std::vector<double> c2;     // [K] beta_k / (sqrt(alpha_k) sqrt(1 - abar_k))
  std::vector<double> sigma;  // [K] sigma_1 = 0
};
DiffusionSchedule MakeDiffusionSchedule(absl::Span<const float> betas);

// e_T(p) = [sin(p w_0..), cos(p w_0..)], w_i = 10000^(-i / (T/2)); T even.
std::vector<double> TimeEmbedding(double p, int width);

// The embedding appended to the input at step k of diffusion: e_T(k).
std::vector<double> DiffusionEmbedding(int k, int width);

// The embedding for MeanFlow: e_{T/2}(1000 t), then e_{T/2}(1000 (t - r)); T is
// a multiple of 4.
std::vector<double> MeanFlowEmbedding(double t, double r, int width);

// The steps of either sampler in their order, from u = z_0:
//   u <- c1 u - c2 net(u, s', a', embedding) + sigma z
struct SamplerSteps {
  std::vector<double> c1, c2, sigma;            // [n]; the last sigma is 0.
  std::vector<std::vector<double>> embeddings;  // [n][T]
  int slots = 1;                                // z_0..z_{slots - 1} are drawn.

  int size() const { return static_cast<int>(c1.size()); }  // n
};
SamplerSteps DiffusionSteps(absl::Span<const float> betas, int width);
// `n` steps on a uniform grid from t = 1 to t = 0.
SamplerSteps MeanFlowSteps(int n, int width);

}  // namespace foresight
