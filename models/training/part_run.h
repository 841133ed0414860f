// Runs one part's training to its end: evaluations, log, checkpoints, progress.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "models/training/tensor_file.h"
#include "models/training/trainer.h"

namespace foresight {

struct PartRun {
  std::string part;              // "policy", "dynamics" or "reward".
  std::filesystem::path folder;  // For <part>.safetensors and <part>.csv.
  int64_t steps = 1;
  int evaluations = 1;  // Each with a line of the log and a checkpoint.
  // A checkpoint is also saved once the last one is this old, so that a killed
  // process loses no more.
  absl::Duration save_period = absl::Seconds(30);
  // Names the part, its recipe and its data. A checkpoint with another
  // fingerprint is not continued.
  std::string fingerprint;
  const std::atomic<bool>* stop = nullptr;  // Set it to stop; may be null.
  std::ostream* out = nullptr;              // For progress.
  int columns = 0;  // Terminal width; 0: `out` is not a terminal.
};

// Continues from the folder's checkpoint if there is one, bit for bit as if
// training had never stopped.
// Errors:
//   Cancelled:          `stop` was set; the checkpoint is saved.
//   FailedPrecondition: the checkpoint belongs to another recipe, data set or
//                       seed.
//   InvalidArgument:    the checkpoint is broken.
//   Unavailable:        a file cannot be written.
//   Internal:           the loss is no longer finite, or LibTorch failed.
absl::Status RunPart(const PartRun& run, Trainer& trainer);

// The path of a part's checkpoint.
std::filesystem::path CheckpointPath(const std::filesystem::path& folder,
                                     const std::string& part);

// Checks that the checkpoint `file`, read from `path`, has this fingerprint.
// Errors: FailedPrecondition: it has another.
absl::Status CheckFingerprint(const std::filesystem::path& path,
                              const TensorFile& file,
                              const std::string& fingerprint);

}  // namespace foresight
