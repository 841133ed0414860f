// The checkpoint of a part that has been trained to its end.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "models/training/recipe.h"
#include "models/training/tensor_file.h"

namespace foresight {

// Loads the checkpoint of `part` from the folder `work`, trained by `recipe` on
// the data set with this digest; `policy_sha256` is as in Fingerprint.
// Errors, naming the file:
//   NotFound:           there is none.
//   FailedPrecondition: it belongs to another recipe or data set, or its
//                       training has not finished.
//   InvalidArgument:    it is broken.
absl::StatusOr<TensorFile> LoadFinishedPart(
    const Recipe& recipe, const std::string& data_sha256,
    const std::filesystem::path& work, const std::string& part,
    const std::string& policy_sha256 = "");

}  // namespace foresight
