// A data set together with its entry in the provenance.
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
  std::string sha256;       // The file's, in hex.
  std::string description;  // "name.hdf5, 200000 rows, sha256 ..".
};

// Reads the file and splits it as the recipe says.
// Errors, naming the file:
//   NotFound, DataLoss: as ReadDataset.
//   InvalidArgument:    as ReadDataset and HoldOut; observations or actions
//                       have another size than the recipe says, or no next
//                       state is known.
absl::StatusOr<DataSource> ReadDataSource(const Recipe& recipe,
                                          const std::filesystem::path& path);

}  // namespace foresight
