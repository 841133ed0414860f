#include "server/adaptation/fused/fused_engine.h"

#include <utility>

#include "models/support/status_macros.h"
#include "server/adaptation/decision_loop.h"
#include "server/adaptation/fused/fused_parameters.h"
#include "server/adaptation/fused/fused_policies.h"

namespace foresight {

struct FusedEngine::Workspace {
  Workspace(std::shared_ptr<const fused::Model> model, const Clock& clock)
      : policies(std::move(model)), loop(clock) {}

  fused::FusedPolicies policies;
  DecisionLoop loop;
};

absl::StatusOr<std::unique_ptr<Engine>> FusedEngine::Create(
    std::shared_ptr<const Bundle> bundle, const Options& options) {
  ASSIGN_OR_RETURN(const fused::Kernels* kernels,
                   fused::SelectKernels(options.variant, options.precision));
  return std::unique_ptr<Engine>(
      new FusedEngine(std::move(bundle), *kernels, options.clock));
}

FusedEngine::FusedEngine(std::shared_ptr<const Bundle> bundle,
                         const fused::Kernels& kernels, Clock clock)
    : model_(std::make_shared<const fused::Model>(std::move(bundle), kernels)),
      clock_(std::move(clock)) {}

FusedEngine::~FusedEngine() = default;

std::unique_ptr<PolicyParameters> FusedEngine::NewParameters() const {
  return std::make_unique<fused::FusedParameters>(model_);
}

size_t FusedEngine::sizeof_parameters() const {
  return sizeof(fused::FusedParameters) + model_->psi_0.size() * sizeof(float);
}

void FusedEngine::Adapt(absl::Span<Problem> problems) const {
  std::unique_ptr<Workspace> workspace = Acquire();
  for (Problem& problem : problems) {
    Problem* const one = &problem;
    workspace->policies.Begin(problem);
    workspace->loop.Run({&one, 1}, workspace->policies);
  }
  Release(std::move(workspace));
}

std::unique_ptr<FusedEngine::Workspace> FusedEngine::Acquire() const {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Workspace> workspace = std::move(idle_.back());
      idle_.pop_back();
      return workspace;
    }
  }
  return std::make_unique<Workspace>(model_, clock_);
}

void FusedEngine::Release(std::unique_ptr<Workspace> workspace) const {
  absl::MutexLock lock(&mutex_);
  idle_.push_back(std::move(workspace));
}

}  // namespace foresight
