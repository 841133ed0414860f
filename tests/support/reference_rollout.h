// The imagined return of method.md section 1 in double, by the plainest loops:
// an oracle for engines that shares nothing with them but the noise.
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
  std::vector<double> Act(absl::Span<const double> psi,
                          absl::Span<const double> state) const;

  // J at psi.
  double Objective(absl::Span<const double> psi,
                   absl::Span<const float> observation,
                   const AdaptationSettings& settings,
                   const DecisionNoise& noise) const;

  // dJ/d(epsilon) of psi + epsilon * direction, by a fourth-order central
  // difference: to about 1e-9 of |direction| |dJ/dpsi| between kinks.
  double Slope(absl::Span<const double> psi, absl::Span<const double> direction,
               absl::Span<const float> observation,
               const AdaptationSettings& settings,
               const DecisionNoise& noise) const;

 private:
  std::vector<double> Transit(const std::vector<double>& state,
                              const std::vector<double>& action, int h, int m,
                              const AdaptationSettings& settings,
                              const DecisionNoise& noise) const;

  const Bundle& bundle_;
  std::vector<double> psi_0_;
  std::vector<size_t> offsets_;
};

}  // namespace foresight
