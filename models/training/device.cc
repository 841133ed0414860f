#include "models/training/device.h"

#include <ATen/ops/empty.h>

#include <exception>

#include "absl/strings/str_cat.h"

namespace foresight {

absl::StatusOr<at::TensorOptions> TensorsOn(const std::string& device) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError(absl::StrCat(
        "device is \"", device, "\", expected cpu, cuda or cuda:N"));
  };
  at::TensorOptions options(at::kFloat);
  try {
    options = options.device(at::Device(device));
  } catch (const std::exception&) {
    return wrong();
  }
  if (!options.device().is_cpu() && !options.device().is_cuda()) return wrong();
  try {
    at::empty({1}, options);
  } catch (const std::exception&) {
    return absl::UnavailableError(
        absl::StrCat("device ", device, " is unavailable on this machine"));
  }
  return options;
}

}  // namespace foresight
