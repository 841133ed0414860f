// Parts that a new bundle takes from an older one instead of training them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "models/training/recipe.h"

namespace foresight {

struct TakenParts {
  std::optional<Bundle> bundle;    // Without one, no part is taken.
  std::vector<std::string> parts;  // Some of kParts.

  bool Has(const std::string& part) const;

  // The bundle's weights_sha256 if the policy is taken, else "".
  std::string PolicySha256() const;

  // The weights of the bundle's `part` and of nothing else.
  TensorMap Tensors(const std::string& part) const;

  // Replaces the recipe's entries for `part` in the manifest (for the policy
  // also the discount), and the training steps of `part` in its provenance.
  void Describe(const std::string& part, v1::Bundle& manifest) const;
};

// Every part but the `trained` ones, from the bundle in `folder`; none if
// `folder` is empty.
// Errors, naming the folder:
//   NotFound, Unavailable: as Bundle::Load.
//   InvalidArgument:       as Bundle::Load; the bundle's sizes are not the
//                          recipe's, or all parts are trained.
absl::StatusOr<TakenParts> TakeParts(const std::filesystem::path& folder,
                                     const Recipe& recipe,
                                     const std::vector<std::string>& trained);

}  // namespace foresight
