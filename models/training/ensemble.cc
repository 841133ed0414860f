#include "models/training/ensemble.h"

#include <google/protobuf/util/message_differencer.h>

#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// Everything about the dynamics but its weights and their number.
v1::Dynamics Design(const Bundle& bundle) {
  v1::Dynamics design = bundle.manifest().dynamics();
  design.clear_members();
  return design;
}

// The fields in which designs usually differ, for messages.
std::string Describe(const v1::Dynamics& design) {
  return absl::StrCat(design.kind(), ", hidden ",
                      absl::StrJoin(design.network().hidden(), " x "), ", ",
                      design.network().activation(), ", time embedding ",
                      design.time_embedding(), ", ",
                      design.betas_size() + design.sampler_steps(), " steps");
}

absl::Status CheckSame(const Bundle& first, const Bundle& other) {
  const std::string& name = other.manifest().name();
  if (!google::protobuf::util::MessageDifferencer::Equals(Design(first),
                                                          Design(other))) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": its dynamics is ", Describe(other.manifest().dynamics()),
        ", expected the first bundle's design and noise schedule: ",
        Describe(first.manifest().dynamics())));
  }
  for (const char* tensor : {"dynamics.input.mean", "dynamics.input.std",
                             "dynamics.output.mean", "dynamics.output.std"}) {
    if (other.tensors().at(tensor).values !=
        first.tensors().at(tensor).values) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": ", tensor,
                       " differs from the first bundle's, expected dynamics "
                       "trained on the same rows"));
    }
  }
  return absl::OkStatus();
}

// Adds the members of `from` behind the first `members`.
void AddMembers(const Bundle& from, int members, TensorMap& tensors) {
  for (const auto& [name, tensor] : from.tensors()) {
    for (int b = 0; b < from.members(); ++b) {
      absl::string_view rest = name;
      if (!absl::ConsumePrefix(&rest, absl::StrCat("dynamics.", b, "."))) {
        continue;
      }
      tensors[absl::StrCat("dynamics.", members + b, ".", rest)] = tensor;
    }
  }
}

bool DependsOnDynamics(const std::string& measured) {
  return absl::StartsWith(measured, "state_rmse") ||
         absl::StartsWith(measured, "adapted_");
}

}  // namespace

absl::StatusOr<Bundle> MakeEnsemble(const std::vector<Bundle>& bundles) {
  if (bundles.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("got ", bundles.size(), " bundles, expected two or more"));
  }
  const Bundle& first = bundles.front();
  v1::Bundle manifest = first.manifest();
  TensorMap tensors = first.tensors();
  v1::Provenance& provenance = *manifest.mutable_provenance();
  int members = first.members();
  for (size_t i = 1; i < bundles.size(); ++i) {
    const Bundle& next = bundles[i];
    RETURN_IF_ERROR(CheckSame(first, next));
    AddMembers(next, members, tensors);
    members += next.members();
    absl::StrAppend(provenance.mutable_trainer(), ", with dynamics also of ",
                    next.manifest().name(), ", weights sha256 ",
                    next.manifest().weights_sha256());
  }
  manifest.mutable_dynamics()->set_members(members);
  auto& measured = *provenance.mutable_measured();
  for (auto it = measured.begin(); it != measured.end();) {
    it = DependsOnDynamics(it->first) ? measured.erase(it) : std::next(it);
  }
  return Bundle::Create(std::move(manifest), std::move(tensors));
}

}  // namespace foresight
