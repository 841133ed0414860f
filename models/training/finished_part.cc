#include "models/training/finished_part.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "models/training/part_run.h"
#include "support/status_macros.h"

namespace foresight {

absl::StatusOr<TensorFile> LoadFinishedPart(const Recipe& recipe,
                                            const std::string& data_sha256,
                                            const std::filesystem::path& work,
                                            const std::string& part,
                                            const std::string& policy_sha256) {
  const std::filesystem::path path = CheckpointPath(work, part);
  ASSIGN_OR_RETURN(TensorFile file, LoadTensorFile(path));
  RETURN_IF_ERROR(CheckFingerprint(
      path, file, Fingerprint(recipe, part, data_sha256, policy_sha256)));
  const auto step = file.tensors.find("step");
  if (step == file.tensors.end() || step->second.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": step is missing"));
  }
  const int64_t done = step->second.item<int64_t>();
  const int64_t steps = ScheduleOf(recipe, part).steps;
  if (done != steps) {
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(), ": has done ", done, " steps, expected ",
                     steps, "; run fit again to finish it"));
  }
  return file;
}

}  // namespace foresight
