#include "server/adaptation/autograd/autograd_engine.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "models/support/status_macros.h"
#include "server/adaptation/autograd/autograd_parameters.h"
#include "server/adaptation/autograd/tensor_policies.h"
#include "server/adaptation/autograd/world_model.h"
#include "server/adaptation/check_problem.h"
#include "server/adaptation/decision_loop.h"

namespace foresight {
namespace {

// Calls `body`; what LibTorch throws in it becomes a status.
template <typename Body>
absl::Status CatchTorch(Body body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const c10::OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(error.what_without_backtrace());
  } catch (const std::bad_alloc& error) {
    return absl::ResourceExhaustedError(error.what());
  } catch (const c10::Error& error) {
    return absl::InternalError(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

absl::Status Missing(const std::string& device, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(device, " is unavailable: ", why));
}

// "cpu", "cuda" or "cuda:N".
absl::StatusOr<at::Device> FindDevice(const std::string& name) {
  if (name == "cpu") return at::Device(at::kCPU);
  absl::string_view rest = name;
  int index = 0;
  const bool is_cuda = absl::ConsumePrefix(&rest, "cuda");
  if (!is_cuda ||
      (!rest.empty() && (!absl::ConsumePrefix(&rest, ":") ||
                         !absl::SimpleAtoi(rest, &index) || index < 0))) {
    return absl::InvalidArgumentError(
        absl::StrCat("device is \"", name, "\", expected cpu, cuda or cuda:N"));
  }
  if (!at::hasCUDA()) {
    return Missing(name,
                   "there is no GPU, or this program is built without "
                   "CUDA");
  }
  const int count = at::detail::getCUDAHooks().deviceCount();
  if (index >= count) {
    return Missing(name, absl::StrCat("this machine has ", count, " GPUs"));
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

// While it lives LibTorch uses the calling thread alone: products that are
// shared out among threads are summed in another order.
class OneThread {
 public:
  OneThread() {
    if (before_ != 1) at::set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) at::set_num_threads(before_);
  }

 private:
  const int before_ = at::get_num_threads();
};

// Problems that can be computed side by side have the same.
auto ShapeOf(const Problem& problem) {
  const AdaptationSettings& settings = problem.settings;
  return std::tuple(settings.horizon, settings.particles,
                    settings.sampler_steps, settings.discount);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AutogradEngine>> AutogradEngine::Create(
    const Bundle& bundle) {
  return Create(bundle, Options());
}

absl::StatusOr<std::unique_ptr<AutogradEngine>> AutogradEngine::Create(
    const Bundle& bundle, Options options) {
  if (options.max_batch < 0 || options.max_rows < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_batch is ", options.max_batch, " and max_rows ",
                     options.max_rows, ", expected them >= 0"));
  }
  std::unique_ptr<const WorldModel> model;
  absl::StatusOr<at::Device> device = absl::UnknownError("");
  // Asking for a device may throw as well.
  RETURN_IF_ERROR(CatchTorch([&] { device = FindDevice(options.device); }));
  RETURN_IF_ERROR(device.status());
  const absl::Status status = CatchTorch([&] {
    model = std::make_unique<const WorldModel>(
        bundle, at::TensorOptions(*device).dtype(
                    options.double_precision ? at::kDouble : at::kFloat));
  });
  if (!status.ok()) return Missing(options.device, status.message());
  const bool is_cpu = device->is_cpu();
  options.device = device->str();
  if (options.max_batch == 0) options.max_batch = is_cpu ? 1 : 64;
  if (options.max_rows == 0) {
    options.max_rows = is_cpu ? 256 : std::numeric_limits<int64_t>::max();
  }
  return std::unique_ptr<AutogradEngine>(
      new AutogradEngine(std::move(model), std::move(options)));
}

AutogradEngine::AutogradEngine(std::unique_ptr<const WorldModel> model,
                               Options options)
    : model_(std::move(model)), options_(std::move(options)) {}

AutogradEngine::~AutogradEngine() = default;

std::unique_ptr<PolicyParameters> AutogradEngine::NewParameters() const {
  return std::make_unique<AutogradParameters>(model_->pretrained());
}

size_t AutogradEngine::sizeof_parameters() const {
  return model_->pretrained().nbytes();
}

absl::Status AutogradEngine::Check(const Problem& problem) const {
  RETURN_IF_ERROR(CheckProblem(problem, model_->observation_size()));
  const auto* parameters =
      dynamic_cast<const AutogradParameters*>(problem.parameters);
  const at::Tensor& psi_0 = model_->pretrained();
  if (parameters == nullptr || parameters->flat().sizes() != psi_0.sizes() ||
      parameters->flat().device() != psi_0.device() ||
      parameters->flat().dtype() != psi_0.dtype()) {
    return absl::InvalidArgumentError(
        "parameters are not of this engine, expected its NewParameters");
  }
  return absl::OkStatus();
}

// Steps its problems one after the other.
class AutogradEngine::AutogradBatch : public Batch {
 public:
  explicit AutogradBatch(const AutogradEngine* engine) : engine_(engine) {}

  bool Admit(Problem* problem) override {
    absl::Status status = engine_->Check(*problem);
    if (status.ok()) {
      auto member = std::make_unique<Member>(problem, engine_->options_.clock);
      status = WithTorch([&] {
        member->policies = std::make_unique<TensorPolicies>(
            *engine_->model_, absl::MakeConstSpan(&member->problem, 1),
            engine_->options_.max_rows);
        member->loop.Begin({&member->problem, 1}, *member->policies);
      });
      if (status.ok()) members_.emplace(problem, std::move(member));
    }
    if (!status.ok()) problem->decision_or = status;
    return status.ok();
  }

  bool WantsStep(const Problem& problem) const override {
    const Member& member = *members_.at(&problem);
    return member.failure.ok() && member.loop.WantsStep(0);
  }

  void Step(absl::Span<Problem* const> which) override {
    for (Problem* const problem : which) {
      Member& member = *members_.at(problem);
      member.failure = WithTorch([&] { member.loop.TakeSteps(); });
    }
  }

  void Retire(absl::Span<Problem* const> which) override {
    for (Problem* const problem : which) {
      Member& member = *members_.at(problem);
      if (member.failure.ok()) {
        member.failure = WithTorch([&] { member.loop.End(); });
      }
      if (!member.failure.ok()) problem->decision_or = member.failure;
      members_.erase(problem);
    }
  }

 private:
  struct Member {
    Member(Problem* the_problem, const Clock& clock)
        : problem(the_problem), loop(clock) {}
    Problem* problem;
    std::unique_ptr<TensorPolicies> policies;
    DecisionLoop loop;
    absl::Status failure;
  };

  template <typename Body>
  absl::Status WithTorch(Body body) {
    return CatchTorch([&] {
      std::optional<OneThread> one_thread;
      if (engine_->model_->options().device().is_cpu()) one_thread.emplace();
      body();
    });
  }

  const AutogradEngine* const engine_;
  std::map<const Problem*, std::unique_ptr<Member>> members_;
};

std::unique_ptr<Batch> AutogradEngine::NewBatch() const {
  return std::make_unique<AutogradBatch>(this);
}

int AutogradEngine::BatchLimit(const AdaptationSettings&) const { return 1; }

void AutogradEngine::Adapt(absl::Span<Problem> problems) const {
  std::map<decltype(ShapeOf(problems[0])), std::vector<Problem*>> groups;
  for (Problem& problem : problems) {
    if (absl::Status status = Check(problem); status.ok()) {
      groups[ShapeOf(problem)].push_back(&problem);
    } else {
      problem.decision_or = std::move(status);
    }
  }
  for (const auto& [shape, group] : groups) {
    absl::Span<Problem* const> rest = group;
    while (!rest.empty()) {
      RunSideBySide(rest.subspan(0, options_.max_batch));
      rest = rest.subspan(std::min<size_t>(rest.size(), options_.max_batch));
    }
  }
}

// The one place where LibTorch's exceptions end. What fails together is tried
// alone: then it is its own fault.
void AutogradEngine::RunSideBySide(absl::Span<Problem* const> problems) const {
  const absl::Status status = CatchTorch([&] {
    std::optional<OneThread> one_thread;
    if (model_->options().device().is_cpu()) one_thread.emplace();
    TensorPolicies policies(*model_, problems, options_.max_rows);
    DecisionLoop(options_.clock).Run(problems, policies);
  });
  if (status.ok()) return;
  for (Problem* const& problem : problems) {
    if (problems.size() == 1) {
      problem->decision_or = status;
    } else {
      RunSideBySide(absl::MakeConstSpan(&problem, 1));
    }
  }
}

}  // namespace foresight
