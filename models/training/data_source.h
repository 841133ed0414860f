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
  std::string sha256;  // The file's digest, in hex.
  // "name.hdf5, 200000 rows, sha256 ..".
  std::string description;
};

// Reads the rows that the recipe uses and splits them as it says.
// Errors, naming the file:
//   NotFound, DataLoss: as ReadDataset.
//   InvalidArgument:    as ReadDataset and HoldOut; observations or actions
//                       have another size than the recipe says, there are
//                       fewer rows, or no next state is known.
absl::StatusOr<DataSource> ReadDataSource(const Recipe& recipe,
                                          const std::filesystem::path& path);

}  // namespace foresight
