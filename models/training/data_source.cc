#include "models/training/data_source.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "models/bundle/sha256.h"
#include "models/data/transitions.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr size_t kLongestFile = size_t{1} << 36;

absl::Status CheckFits(const Recipe& recipe, const Dataset& dataset,
                       const std::filesystem::path& path) {
  const auto check = [&](const char* name, int got, int expected) {
    if (got == expected) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        path.string(), ": ", name, " have ", got, " values, expected ",
        expected, " for the recipe's ", recipe.environment));
  };
  RETURN_IF_ERROR(
      check("observations", dataset.observation_size, recipe.observation_size));
  return check("actions", dataset.action_size, recipe.action_size);
}

}  // namespace

absl::StatusOr<DataSource> ReadDataSource(const Recipe& recipe,
                                          const std::filesystem::path& path) {
  DataSource source;
  ASSIGN_OR_RETURN(source.dataset, ReadDataset(path, recipe.step_limit));
  RETURN_IF_ERROR(CheckFits(recipe, source.dataset, path));
  const int64_t recorded = source.dataset.rows();
  if (recipe.rows > recorded) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": has ", recorded,
                     " rows, expected at least the recipe's ", recipe.rows));
  }
  if (recipe.rows > 0) KeepFirstRows(source.dataset, recipe.rows);
  const HoldOutRecipe& held = recipe.hold_out;
  absl::StatusOr<Split> split =
      HoldOut(source.dataset.episodes, held.fraction, held.minimum, held.seed);
  if (!split.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": ", split.status().message()));
  }
  source.split = *std::move(split);
  // The dynamics learn from a row and its next state.
  if (source.dataset.next_observations.empty() &&
      RolloutStarts(source.split.training, /*steps=*/1, /*limit=*/1).empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path.string(),
        ": every training episode has one row, so no next state is known; "
        "expected longer episodes (are terminals and timeouts right?) or "
        "next_observations"));
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kLongestFile));
  source.sha256 = Sha256Hex(bytes);
  const std::string rows =
      recipe.rows > 0
          ? absl::StrCat("the first ", recipe.rows, " of ", recorded)
          : absl::StrCat(recorded);
  source.description = absl::StrCat(path.filename().string(), ", ", rows,
                                    " rows, sha256 ", source.sha256);
  return source;
}

}  // namespace foresight
