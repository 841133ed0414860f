// The imagined return of docs/method.md section 1 in double, by plain loops
// (plain_networks.h). This oracle shares only noise.h with the engines.
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
  // The offset of each tensor in psi; the last element is psi's size.
  const std::vector<size_t>& tensor_offsets() const { return offsets_; }

  // pi_psi(s) [A]
  std::vector<double> Act(const std::vector<double>& psi,
                          const std::vector<double>& state) const;

  // pi_psi(s_1) .. pi_psi(s_length), where s_{h+1} comes from member 0 without
  // noise. [length, A]
  std::vector<double> Plan(const std::vector<double>& psi,
                           absl::Span<const float> observation,
                           int sampler_steps, int length) const;

  // J at psi.
  double Objective(const std::vector<double>& psi,
                   absl::Span<const float> observation,
                   const AdaptationSettings& settings,
                   const DecisionNoise& noise) const;

  // dJ/d(epsilon) of psi + epsilon * direction, by a fourth-order central
  // difference; between kinks the error is about 1e-9 |direction| |dJ/dpsi|.
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
