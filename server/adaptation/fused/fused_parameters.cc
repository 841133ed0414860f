#include "server/adaptation/fused/fused_parameters.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace foresight::fused {
namespace {

Buffer Copy(const Buffer& from) {
  Buffer copy(from.size());
  std::copy_n(from.data(), from.size(), copy.data());
  return copy;
}

}  // namespace

FusedParameters::FusedParameters(std::shared_ptr<const Model> model)
    : model_(std::move(model)), psi_(Copy(model_->psi_0)) {}

std::unique_ptr<PolicyParameters> FusedParameters::Clone() const {
  auto clone = std::make_unique<FusedParameters>(model_);
  std::copy_n(psi_.data(), psi_.size(), clone->psi_.data());
  clone->pretrained_ = pretrained_;
  return clone;
}

std::vector<float> FusedParameters::Export() const {
  std::vector<float> values(model_->policy_parameters);
  model_->policy.Export(psi_.data(), absl::MakeSpan(values));
  return values;
}

absl::Status FusedParameters::Import(absl::Span<const float> values) {
  if (values.size() != static_cast<size_t>(model_->policy_parameters)) {
    return absl::InvalidArgumentError(absl::StrCat("psi has ", values.size(),
                                                   " values, expected ",
                                                   model_->policy_parameters));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "psi's value ", i, " is ", values[i], ", expected a finite one"));
  }
  model_->policy.Import(values, psi_.data());
  pretrained_ = false;
  return absl::OkStatus();
}

void FusedParameters::Swap(Buffer& psi) {
  std::swap(psi_, psi);
  pretrained_ = false;
}

void FusedParameters::Reset() {
  if (pretrained_) return;
  std::copy_n(model_->psi_0.data(), psi_.size(), psi_.data());
  pretrained_ = true;
}

}  // namespace foresight::fused
