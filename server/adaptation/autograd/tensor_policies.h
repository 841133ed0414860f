// The policies of some problems as tensors, on which the autograd engine
// computes decisions.
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

// LibTorch's exceptions pass through.
//
// Problems with the same horizon, particles, sampler_steps and discount are
// imagined together, at most Options::max_batch of them. The particles of large
// problems are imagined in blocks, one after another, whose size depends on the
// settings alone. A block's tape is freed before the next one's is made.
//
// Not thread-safe.
class TensorPolicies : public WorkingPolicies {
 public:
  struct Options {
    int max_batch = 1;     // >= 1
    int64_t max_rows = 1;  // Rows (P times particles) imagined at once, >= 1.
  };

  // `model` outlives this. Problems' parameters are AutogradParameters.
  TensorPolicies(const WorldModel& model, Options options);

  // Whether the two can be imagined together.
  static bool SameShape(const Problem& a, const Problem& b);

  int action_size() const override { return model_.action_size(); }
  // Also turns LibTorch's exceptions into statuses.
  absl::Status Try(absl::FunctionRef<void()> body) const override;
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
  // Tensors are replaced, never changed in place. They may be rows of a larger
  // tensor.
  struct Session {
    Problem* problem = nullptr;
    at::Tensor observation;            // [S]
    at::Tensor start, working, saved;  // [N]
    at::Tensor gradient;               // [N]
    at::Tensor final_psi;              // [N], not a row of a larger one.
    bool stopped = false;              // In the present evaluation.
  };

  // Sets row i of `rows` [P, A] to `function`(s_t) of problem i's policy.
  void ApplyPolicy(absl::Span<const int> which, Psi psi,
                   at::Tensor (PolicyNetwork::*function)(const at::Tensor&)
                       const,
                   absl::Span<float> rows);
  // Calls `body` with at most max_batch of `which` at a time.
  void ForEachBatch(absl::Span<const int> which,
                    absl::FunctionRef<void(absl::Span<const int>)> body) const;
  // Splits `which` into groups that are imagined together.
  std::vector<std::vector<int>> Groups(absl::Span<const int> which) const;
  // One field of each session as rows: [P, ...].
  at::Tensor Rows(absl::Span<const int> which,
                  at::Tensor Session::*member) const;
  void SetWorking(absl::Span<const int> which, const at::Tensor& rows);
  at::Tensor RowsOf(Psi psi, absl::Span<const int> which) const;
  const SamplerNoise& Noise(absl::Span<const int> which, NoiseBank bank,
                            const ParticleBlock& block, bool whole);
  // Calls `take` with each block's part of J [P'], already divided by the
  // number of all particles. Returns false if every problem had to stop before
  // the end.
  bool Sweep(absl::Span<const int> which, const PolicyNetwork& policy,
             NoiseBank bank, const StopSignals& stop,
             absl::FunctionRef<void(const at::Tensor&)> take);
  // Throws Stopped once every problem has to stop.
  void CheckStop(absl::Span<const int> which, const StopSignals& stop,
                 const at::Tensor& latest);

  const WorldModel& model_;
  const Options options_;
  std::vector<Session> sessions_;  // [P]
  // The first bank's noise and its problems, kept if one block holds all
  // particles. Other noise is drawn when needed.
  SamplerNoise noise_, drawn_;
  std::vector<const Problem*> noise_of_;
};

}  // namespace foresight
