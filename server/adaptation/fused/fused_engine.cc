#include "server/adaptation/fused/fused_engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/adaptation/decision_batch.h"
#include "server/adaptation/fused/fused_parameters.h"
#include "server/adaptation/fused/fused_policies.h"
#include "support/status_macros.h"

namespace foresight {

namespace {

// Limit for the tape of one particle's longest rollout. Without a limit one
// decision could take all the server's memory.
constexpr double kLargestTapeBytes = double{1 << 30};

absl::Status CheckTape(const Bundle& bundle) {
  int steps = bundle.sampler_limits().steps;
  if (!bundle.sampler_limits().fixed)
    steps = std::max<int>(steps, kMaxSamplerSteps);
  double widths = 0;
  for (const Layer& layer : bundle.dynamics(0).layers) widths += layer.outputs;
  const double bytes = 4 * widths * steps * kMaxHorizon;
  if (bytes <= kLargestTapeBytes) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      "the fused engine keeps one particle's slopes in memory: dynamics with ",
      steps, " sampler steps over ", widths, " hidden units take ", bytes / 1e9,
      " GB at a horizon of ", kMaxHorizon, ", expected at most 1.07"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> FusedEngine::Create(
    std::shared_ptr<const Bundle> bundle, const Options& options) {
  ASSIGN_OR_RETURN(const fused::Kernels* kernels,
                   fused::SelectKernels(options.variant, options.precision));
  RETURN_IF_ERROR(CheckTape(*bundle));
  return std::unique_ptr<Engine>(
      new FusedEngine(std::move(bundle), *kernels, options));
}

FusedEngine::FusedEngine(std::shared_ptr<const Bundle> bundle,
                         const fused::Kernels& kernels, const Options& options)
    : Engine(options.clock, options.max_idle_scratch),
      model_(std::make_shared<const fused::Model>(std::move(bundle), kernels)) {
}

FusedEngine::~FusedEngine() = default;

std::unique_ptr<PolicyParameters> FusedEngine::NewParameters() const {
  return std::make_unique<fused::FusedParameters>(model_);
}

size_t FusedEngine::sizeof_parameters() const {
  return sizeof(fused::FusedParameters) + model_->psi_0.size() * sizeof(float);
}

std::unique_ptr<Batch> FusedEngine::NewBatch() const {
  return std::make_unique<DecisionBatch>(
      std::make_unique<fused::FusedPolicies>(model_), clock());
}

bool FusedEngine::SideBySide(const Problem& a, const Problem& b) const {
  return BatchLimit(a.settings) > 1 && fused::FusedPolicies::SameShape(a, b);
}

int FusedEngine::BatchLimit(const AdaptationSettings& settings) const {
  return fused::Rollout::SessionLimit(*model_, settings);
}

}  // namespace foresight
