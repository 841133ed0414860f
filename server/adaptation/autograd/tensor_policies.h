// The policies of some problems as rows of one tensor: what the autograd engine
// computes decisions with.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "server/adaptation/autograd/imagined_noise.h"
#include "server/adaptation/autograd/imagined_return.h"
#include "server/adaptation/autograd/world_model.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// One call's; throws what LibTorch throws, and then nothing is committed.
//
// The particles of large problems are imagined in blocks, one after the other,
// whose size depends on the settings alone; a block's tape is freed before the
// next one's is made. Not thread-safe.
class TensorPolicies : public WorkingPolicies {
 public:
  // Both outlive this. The problems' parameters are AutogradParameters, their
  // observations of size S; they have horizon, particles, sampler_steps and
  // discount in common. At most `max_rows` rows (P times particles) are
  // imagined at once.
  TensorPolicies(const WorldModel& model, absl::Span<Problem* const> problems,
                 int64_t max_rows);

  int action_size() const override { return model_.action_size(); }
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
  const AdaptationSettings& settings() const { return problems_[0]->settings; }
  at::Tensor RowsOf(Psi psi, absl::Span<const int> which) const;
  const SamplerNoise& Noise(absl::Span<const int> which, NoiseBank bank,
                            const ParticleBlock& block);
  RollOuts RollOutsOf(absl::Span<const int> which, NoiseBank bank,
                      const ParticleBlock& block);
  // Calls `take` with each block's part of J [P'], divided by all particles;
  // false if every problem had to stop before the end.
  bool Sweep(absl::Span<const int> which, const PolicyNetwork& policy,
             NoiseBank bank, const StopSignals& stop,
             absl::FunctionRef<void(const at::Tensor&)> take);
  // Throws Stopped once every problem has to stop.
  void CheckStop(absl::Span<const int> which, const StopSignals& stop,
                 const at::Tensor& latest);

  const WorldModel& model_;
  const absl::Span<Problem* const> problems_;
  std::vector<ParticleBlock> blocks_;
  at::Tensor observations_;                // [P, S]
  at::Tensor start_, working_, previous_;  // [P, N], never changed in place.
  at::Tensor gradient_;                    // [P, N]
  std::vector<bool> stopped_;              // [P], in the evaluation that runs.
  // The first bank's noise where one block holds all particles, and whose it
  // is; any other is drawn when it is needed.
  SamplerNoise noise_, drawn_;
  std::vector<int> noise_of_;
};

}  // namespace foresight
