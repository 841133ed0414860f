// A data set together with what provenance says about it.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "models/data/dataset.h"
#include "models/training/recipe.h"

namespace foresight {

struct DataSource {
  Dataset dataset;
  Split split;
  std::string sha256;       // Of the file, in hex.
  std::string description;  // "name.hdf5, 200000 rows, sha256 ..".
};

// Reads the file and splits it as the recipe says.
// Errors, naming the file:
//   NotFound, DataLoss: as ReadDataset.
//   InvalidArgument:    as ReadDataset and HoldOut, and where observations or
//                       actions have not as many values as the recipe says.
absl::StatusOr<DataSource> ReadDataSource(const Recipe& recipe,
                                          const std::filesystem::path& path);

}  // namespace foresight
