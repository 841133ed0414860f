// The three policies of one decision on the fused engine.
#pragma once

#include <memory>

#include "server/adaptation/fused/fused_parameters.h"
#include "server/adaptation/fused/rollout.h"
#include "server/adaptation/working_policies.h"

namespace foresight::fused {

// For one problem at a time: every list of indices is {0} or empty. The working
// policy is psi_start's own memory until the first step.
//
// Not thread-safe. Reusable: once warm, a decision no larger than one before
// allocates nothing.
class FusedPolicies : public WorkingPolicies {
 public:
  explicit FusedPolicies(std::shared_ptr<const Model> model);

  // `problem` outlives the decision.
  void Begin(Problem& problem);

  // dJ/dpsi of the last Differentiate, in the exchange form; for tests.
  std::vector<float> ExportGradient() const;

  int action_size() const override;
  void Act(absl::Span<const int> which, Psi psi,
           absl::Span<float> actions) override;
  void Differentiate(absl::Span<const int> which, const StopSignals& stop,
                     absl::Span<Evaluation> out) override;
  void Evaluate(absl::Span<const int> which, Psi psi, NoiseBank bank,
                const StopSignals& stop, absl::Span<Evaluation> out) override;
  void Ascend(absl::Span<const int> which,
              absl::Span<const double> scale) override;
  void Retract(absl::Span<const int> which) override;
  void Pull(absl::Span<const int> which, Psi anchor,
            absl::Span<const double> factor) override;
  void Drift(absl::Span<const int> which, absl::Span<double> drift) override;
  void Commit(absl::Span<const int> which) override;

 private:
  const float* Of(Psi psi) const;
  // The spare that the working policy is not in.
  Buffer& Spare();
  void PrepareRollout();
  RolloutPlan Plan(NoiseBank bank, bool differentiate) const;

  const std::shared_ptr<const Model> model_;
  Problem* problem_ = nullptr;
  FusedParameters* session_ = nullptr;
  const float* start_ = nullptr;
  const float* working_ = nullptr;
  const float* previous_ = nullptr;  // Before the last Ascend.
  Buffer spares_[2];
  Buffer gradient_, adjoint_;
  PackedNetwork policy_;
  Arena arena_, action_arena_;
  Rollout rollout_;
  bool prepared_ = false;
};

}  // namespace foresight::fused
