// The imagined return of docs/method.md section 1 in double, by plain loops
// (plain_networks.h): an oracle that shares nothing with the engines but
// noise.h.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/noise.h"

namespace foresight {

class ReferenceRollout {
 public:
  // `bundle` outlives this.
  explicit ReferenceRollout(const Bundle& bundle);

  // psi_0 in the exchange form (policy_parameters.h).
  const std::vector<double>& psi_0() const { return psi_0_; }
  // Where each tensor of psi begins in it; the last element is its size.
  const std::vector<size_t>& tensor_offsets() const { return offsets_; }

  // pi_psi(s) [A]
  std::vector<double> Act(const std::vector<double>& psi,
                          const std::vector<double>& state) const;

  // pi_psi(s_1) .. pi_psi(s_length) one after the other, where s_{h+1} comes
  // from member 0 without noise. [length, A]
  std::vector<double> Plan(const std::vector<double>& psi,
                           absl::Span<const float> observation,
                           int sampler_steps, int length) const;

  // J at psi.
  double Objective(const std::vector<double>& psi,
                   absl::Span<const float> observation,
                   const AdaptationSettings& settings,
                   const DecisionNoise& noise) const;

  // dJ/d(epsilon) of psi + epsilon * direction, by a fourth-order central
  // difference: to about 1e-9 of |direction| |dJ/dpsi| between kinks.
  double Slope(const std::vector<double>& psi,
               const std::vector<double>& direction,
               absl::Span<const float> observation,
               const AdaptationSettings& settings,
               const DecisionNoise& noise) const;

 private:
  const Bundle& bundle_;
  std::vector<double> psi_0_;
  std::vector<size_t> offsets_;
};

}  // namespace foresight
