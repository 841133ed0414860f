#include "server/adaptation/autograd/autograd_engine.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/adaptation/autograd/autograd_parameters.h"
#include "server/adaptation/autograd/catch_torch.h"
#include "server/adaptation/autograd/tensor_policies.h"
#include "server/adaptation/autograd/world_model.h"
#include "server/adaptation/decision_batch.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

absl::Status Missing(const std::string& device, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(device, " is unavailable: ", why));
}

// Finds "cpu", "cuda" or "cuda:N".
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
    : Engine(options.clock),
      model_(std::move(model)),
      options_(std::move(options)) {}

AutogradEngine::~AutogradEngine() = default;

std::unique_ptr<PolicyParameters> AutogradEngine::NewParameters() const {
  return std::make_unique<AutogradParameters>(model_->pretrained());
}

size_t AutogradEngine::sizeof_parameters() const {
  return model_->pretrained().nbytes();
}

std::unique_ptr<Batch> AutogradEngine::NewBatch() const {
  TensorPolicies::Options options;
  options.max_batch = options_.max_batch;
  options.max_rows = options_.max_rows;
  return std::make_unique<DecisionBatch>(
      std::make_unique<TensorPolicies>(*model_, options), clock());
}

bool AutogradEngine::SideBySide(const Problem& a, const Problem& b) const {
  return options_.max_batch > 1 && TensorPolicies::SameShape(a, b);
}

int AutogradEngine::BatchLimit(const AdaptationSettings&) const {
  return options_.max_batch;
}

}  // namespace foresight
