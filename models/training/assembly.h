// Makes a bundle from the checkpoints in a work folder.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "models/bundle/bundle.h"
#include "models/training/data_source.h"
#include "models/training/recipe.h"
#include "models/training/taken_parts.h"
#include "models/training/trainer.h"

namespace foresight {

// Combines the parts with the recipe's manifest and the provenance of `source`.
// Parts that are not taken come from their finished checkpoints in `work`.
// Nothing is measured yet. `trainer` is the program and its version.
// Errors, naming the file:
//   NotFound:           a part has no checkpoint.
//   FailedPrecondition: a part has not finished, or was trained by another
//                       recipe, seed or data set.
//   InvalidArgument:    a checkpoint is broken.
absl::StatusOr<Bundle> AssembleBundle(const Recipe& recipe,
                                      const DataSource& source,
                                      const std::filesystem::path& work,
                                      const TakenParts& taken,
                                      const std::string& trainer,
                                      absl::Time now);

// The bundle with `values` written into provenance.measured, in place of values
// with the same names.
// Errors: InvalidArgument: a name is empty, or a value is not finite.
absl::StatusOr<Bundle> Annotate(const Bundle& bundle,
                                const Measurements& values);

}  // namespace foresight
