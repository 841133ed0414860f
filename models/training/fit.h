// Trains the parts of a bundle in a work folder, from a data set and a recipe.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "models/training/recipe.h"

namespace foresight {

struct FitOptions {
  std::filesystem::path data;    // HDF5 in D4RL's format.
  std::filesystem::path work;    // For checkpoints and logs; made if missing.
  std::filesystem::path bundle;  // The result's folder.
  std::vector<std::string> parts = {"policy", "dynamics", "reward"};
  // The bundle that the other parts come from; empty: the work folder.
  std::filesystem::path from;
  std::string device = "cpu";  // Or "cuda:N".
  std::string trainer;         // Program and version, for provenance.
  const std::atomic<bool>* stop = nullptr;  // Set it to stop; may be null.
  std::ostream* out = nullptr;              // For progress.
  int columns = 0;  // Terminal width; 0: `out` is not a terminal.
};

// Trains each part, continuing from the work folder's checkpoints. If all three
// parts are then complete (taken from `from`, or trained by this or an earlier
// call), assembles, measures and saves the bundle.
// Errors:
//   NotFound, DataLoss: as ReadDataSource and TakeParts.
//   InvalidArgument:    as ReadDataSource and TakeParts; an unknown part or
//                       device.
//   Unavailable:        no such device, or the disk refuses.
//   others:             as RunPart.
absl::Status Fit(const Recipe& recipe, const FitOptions& options);

}  // namespace foresight
