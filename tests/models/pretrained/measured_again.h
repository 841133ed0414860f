// Measures a shipped bundle again.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "models/bundle/bundle.h"
#include "models/training/data_source.h"
#include "models/training/device.h"
#include "models/training/evaluation.h"
#include "models/training/recipe.h"

namespace foresight {

inline absl::StatusOr<Bundle> LoadShipped(const std::string& name) {
  return Bundle::Load(
      absl::StrCat(FORESIGHT_SOURCE_DIR "/models/pretrained/", name));
}

inline absl::StatusOr<Recipe> ReadShippedRecipe(const std::string& name) {
  return ReadRecipe(absl::StrCat(
      FORESIGHT_SOURCE_DIR "/models/training/recipes/", name, ".json"));
}

// Expects to measure the errors in the bundle's provenance again. Skips the
// test if the data set is missing.
inline void ExpectMeasuresTheSameAgain(const std::string& name) {
  const auto bundle = LoadShipped(name);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const v1::Provenance& provenance = bundle->manifest().provenance();
  const std::string file =
      provenance.data().substr(0, provenance.data().find(','));
  const std::filesystem::path data =
      absl::StrCat(FORESIGHT_SHARED_DIR "/data/", file);
  if (!std::filesystem::exists(data)) {
    GTEST_SKIP() << data << " is not here";
  }
  const auto recipe = ReadShippedRecipe(name);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  const auto source = ReadDataSource(*recipe, data);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->description, provenance.data());
  const auto table = MeasureBundle(*bundle, *source, *TensorsOn("cpu"));
  ASSERT_TRUE(table.ok()) << table.status();
  for (const auto& [error, value] : Summarise(*table)) {
    const auto measured = provenance.measured().find(error);
    ASSERT_NE(measured, provenance.measured().end()) << error;
    // Other processors round differently. Chaotic rollouts amplify that, most
    // of all the worst of a thousand.
    const double part = absl::EndsWith(error, "_worst") ? 0.1 : 0.01;
    EXPECT_NEAR(measured->second, value, part * value) << error;
  }
}

}  // namespace foresight
