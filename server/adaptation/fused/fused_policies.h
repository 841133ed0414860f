// The policies of a batch's problems on the fused engine.
#pragma once

#include <memory>
#include <vector>

#include "server/adaptation/fused/fused_parameters.h"
#include "server/adaptation/fused/rollout.h"
#include "server/adaptation/working_policies.h"

namespace foresight::fused {

// A working policy shares psi_start's memory until the first step.
//
// Not thread-safe. Once warm, it allocates nothing for problems that are
// neither larger nor more numerous than before.
class FusedPolicies : public WorkingPolicies {
 public:
  explicit FusedPolicies(std::shared_ptr<const Model> model);

  // Whether the two can be computed side by side.
  static bool SameShape(const Problem& a, const Problem& b);

  // For tests: the last Differentiate's dJ/dpsi in the exchange form. Valid
  // until Ascend.
  std::vector<float> ExportGradient(int i);

  int action_size() const override;
  size_t scratch_bytes() const override;
  absl::Status Check(const Problem& problem) const override;
  void Begin(int i, Problem& problem) override;
  void End(int i) noexcept override;
  void Act(absl::Span<const int> which, Psi psi,
           absl::Span<float> actions) override;
  void ActBeforeTanh(absl::Span<const int> which, Psi psi,
                     absl::Span<float> outputs) override;
  void Differentiate(absl::Span<const int> which, const StopSignals& stop,
                     absl::Span<Evaluation> out) override;
  void Evaluate(absl::Span<const int> which, Psi psi, NoiseBank bank,
                const StopSignals& stop, absl::Span<Evaluation> out) override;
  int Imagine(int i, const StopSignals& stop, absl::Span<float> plan) override;
  void Save(absl::Span<const int> which) noexcept override;
  void Restore(absl::Span<const int> which) noexcept override;
  void Ascend(absl::Span<const int> which,
              absl::Span<const double> scale) override;
  void Pull(absl::Span<const int> which, Psi anchor,
            absl::Span<const double> factor) override;
  void Drift(absl::Span<const int> which, absl::Span<double> drift) override;
  void PrepareCommit(absl::Span<const int> which) override;
  void Commit(absl::Span<const int> which) noexcept override;

 private:
  struct Session {
    Problem* problem = nullptr;
    std::vector<float> frozen_action;  // [A], of psi_0; empty: not known.
    FusedParameters* parameters = nullptr;
    const float* start = nullptr;
    const float* working = nullptr;
    const float* saved = nullptr;
    // The spare that does not hold the saved policy takes the gradient, then
    // the ascended policy.
    Buffer spares[2];
    Buffer given;    // Replaces a spare that the session will keep.
    Buffer adjoint;  // Empty if the particles are few.
    PackedNetwork policy;
    // The policy made by the last Ascend, and |ascended - psi_0|^2.
    const float* ascended = nullptr;
    double squared_drift = 0;

    // The spare without the saved policy. It may hold the working one, since
    // changes after Save may be overwritten.
    Buffer& Spare() { return spares[saved == spares[0].data() ? 1 : 0]; }
  };

  bool Keeps(const Session& session) const;
  const float* Of(const Session& session, Psi psi) const;
  // The network's output [1, A] at s_t, in action_arena_.
  Matrix Output(Session& session, Psi psi);
  double SquaredDrift(const Session& session);
  // Calls `body` for groups of `which` that are computed side by side.
  void ForEachGroup(absl::Span<const int> which,
                    absl::FunctionRef<void(absl::Span<const int>)> body);
  // Binds `policy` to the working policy, forward and back.
  void BindBothWays(Session& session, bool alone);
  // Calls body(0) .. body(count - 1), with the help of the session's workers if
  // it is computed alone.
  void Spread(const Session& session, bool alone, int count,
              absl::FunctionRef<void(int item)> body);
  // The sum of body(first, size) over parts of psi, which are always the same.
  double SumOverParts(
      const Session& session, bool alone,
      absl::FunctionRef<double(size_t first, size_t size)> body);
  // Rolls out a group, whose sessions' policies are bound.
  void RollOut(absl::Span<const int> group, NoiseBank bank, bool differentiate,
               const StopSignals& stop, absl::Span<Evaluation> out);

  const std::shared_ptr<const Model> model_;
  std::vector<Session> sessions_;  // [P]
  Arena arena_, action_arena_;
  Rollout rollout_;
  // For the group that is being computed.
  std::vector<SessionRollout> rolled_;
  std::vector<Rollout::Target> targets_;
  std::vector<Rollout::Result> results_;
  std::vector<int> pending_, group_;
  std::vector<double> sums_;  // For the parts of psi.
};

}  // namespace foresight::fused
