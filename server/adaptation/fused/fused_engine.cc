#include "server/adaptation/fused/fused_engine.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/support/status_macros.h"
#include "server/adaptation/check_problem.h"
#include "server/adaptation/decision_loop.h"
#include "server/adaptation/fused/fused_parameters.h"
#include "server/adaptation/fused/fused_policies.h"

namespace foresight {

namespace {

// Of the way back through one particle's longest roll-out; the server would
// otherwise die of a decision.
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

struct FusedEngine::Workspace {
  Workspace(std::shared_ptr<const fused::Model> model, const Clock& clock)
      : policies(std::move(model)), loop(clock) {}

  fused::FusedPolicies policies;
  DecisionLoop loop;
  Problem* problem = nullptr;
  bool failed = false;
};

// Steps its problems one after the other.
class FusedEngine::FusedBatch : public Batch {
 public:
  explicit FusedBatch(const FusedEngine* engine) : engine_(engine) {}
  ~FusedBatch() override {
    for (auto& workspace : members_) engine_->Release(std::move(workspace));
  }

  bool Admit(Problem* problem) override {
    if (absl::Status status = engine_->Check(*problem); !status.ok()) {
      problem->decision_or = std::move(status);
      return false;
    }
    std::unique_ptr<Workspace> workspace;
    const bool begun = WithMemory(problem, [&] {
      workspace = engine_->Acquire();
      members_.reserve(members_.size() + 1);
      workspace->problem = problem;
      workspace->policies.Begin(*problem);
      workspace->loop.Begin({&workspace->problem, 1}, workspace->policies);
    });
    if (!begun) return false;
    members_.push_back(std::move(workspace));
    return true;
  }

  bool WantsStep(const Problem& problem) const override {
    const auto member = Find(problem);
    return !(*member)->failed && (*member)->loop.WantsStep(0);
  }

  void Step(absl::Span<Problem* const> which) override {
    for (Problem* const problem : which) {
      Workspace& workspace = **Find(*problem);
      workspace.failed =
          !WithMemory(problem, [&] { workspace.loop.TakeSteps(); });
    }
  }

  void Retire(absl::Span<Problem* const> which) override {
    for (Problem* const problem : which) {
      const auto member = Find(*problem);
      const bool ended = !(*member)->failed &&
                         WithMemory(problem, [&] { (*member)->loop.End(); });
      // The memory of one that failed may be half grown.
      if (ended) engine_->Release(std::move(*member));
      members_.erase(member);
    }
  }

 private:
  using Members = std::vector<std::unique_ptr<Workspace>>;

  // Memory is taken before any of it is used: nothing is half done.
  template <typename Body>
  static bool WithMemory(Problem* problem, Body body) {
    try {
      body();
      return true;
    } catch (const std::bad_alloc&) {
      problem->decision_or = absl::ResourceExhaustedError(
          "no memory for a decision of this many particles and transitions");
      return false;
    }
  }

  Members::const_iterator Find(const Problem& problem) const {
    return std::find_if(
        members_.begin(), members_.end(),
        [&](const auto& member) { return member->problem == &problem; });
  }
  Members::iterator Find(const Problem& problem) {
    const auto found = std::as_const(*this).Find(problem);
    return members_.begin() + (found - members_.cbegin());
  }

  const FusedEngine* const engine_;
  Members members_;
};

absl::StatusOr<std::unique_ptr<Engine>> FusedEngine::Create(
    std::shared_ptr<const Bundle> bundle, const Options& options) {
  ASSIGN_OR_RETURN(const fused::Kernels* kernels,
                   fused::SelectKernels(options.variant, options.precision));
  RETURN_IF_ERROR(CheckTape(*bundle));
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

absl::Status FusedEngine::Check(const Problem& problem) const {
  RETURN_IF_ERROR(CheckProblem(problem, model_->bundle->observation_size()));
  const auto* parameters =
      dynamic_cast<const fused::FusedParameters*>(problem.parameters);
  if (parameters != nullptr && parameters->model() == model_.get()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "parameters are not of this engine, expected its NewParameters");
}

void FusedEngine::Adapt(absl::Span<Problem> problems) const {
  std::unique_ptr<Workspace> workspace = Acquire();
  for (Problem& problem : problems) {
    if (absl::Status status = Check(problem); !status.ok()) {
      problem.decision_or = std::move(status);
      continue;
    }
    Problem* const one = &problem;
    // Memory is taken before any of it is used: nothing is half done.
    try {
      workspace->policies.Begin(problem);
      workspace->loop.Run({&one, 1}, workspace->policies);
    } catch (const std::bad_alloc&) {
      problem.decision_or = absl::ResourceExhaustedError(
          "no memory for a decision of this many particles and transitions");
      workspace = Acquire();
    }
  }
  Release(std::move(workspace));
}

std::unique_ptr<Batch> FusedEngine::NewBatch() const {
  return std::make_unique<FusedBatch>(this);
}

int FusedEngine::BatchLimit(const AdaptationSettings&) const { return 1; }

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
