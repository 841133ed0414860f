#include "server/adaptation/fused/fused_parameters.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace foresight::fused {
namespace {

Buffer Copy(const Buffer& from) {
  Buffer copy(from.size());
  std::copy_n(from.data(), from.size(), copy.data());
  return copy;
}

}  // namespace

std::unique_ptr<PolicyParameters> FusedParameters::Clone() const {
  auto clone = std::make_unique<FusedParameters>(model_);
  if (!shared()) clone->own_ = Copy(own_);
  clone->squared_drift_ = squared_drift_;
  return clone;
}

std::vector<float> FusedParameters::Export() const {
  std::vector<float> values(model_->policy_parameters);
  model_->policy.Export(psi(), absl::MakeSpan(values));
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
  if (shared()) own_ = Copy(model_->psi_0);
  model_->policy.Import(values, own_.data());
  squared_drift_.reset();
  return absl::OkStatus();
}

}  // namespace foresight::fused
