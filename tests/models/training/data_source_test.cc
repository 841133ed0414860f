#include "models/training/data_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/d4rl_file.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class DataSourceTest : public ::testing::Test {
 protected:
  absl::StatusOr<DataSource> Read(int64_t rows = 0) const {
    Recipe recipe = *ParseRecipe(SmallRecipe(10), "small");
    recipe.rows = rows;
    return ReadDataSource(recipe, path_);
  }
  std::string Refusal() const { return std::string(Read().status().message()); }

  // Six episodes of one row.
  void WriteSingleRows(bool with_next) const {
    D4rlFile out(path_);
    const std::vector<double> zeros(12), ones(6, 1);
    out.Write("observations", {6, 2}, zeros);
    out.Write("actions", {6, 1}, std::vector<double>(6));
    out.Write("rewards", {6}, ones);
    out.Write("terminals", {6}, ones);
    if (with_next) out.Write("next_observations", {6, 2}, zeros);
  }

  const TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "data.hdf5";
};

TEST_F(DataSourceTest, DescribesTheData) {
  WriteSmallWorld(path_, 10, 3);
  const auto source = Read();
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->split.held_out.size(), 2u);
  EXPECT_EQ(source->sha256.size(), 64u);
  EXPECT_EQ(source->description,
            "data.hdf5, 200 rows, sha256 " + source->sha256);
}

TEST_F(DataSourceTest, UsesOnlyTheRecipesRows) {
  WriteSmallWorld(path_, 10, 3);
  const auto source = Read(/*rows=*/150);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->dataset.rows(), 150);
  EXPECT_EQ(source->description,
            "data.hdf5, the first 150 of 200 rows, sha256 " + source->sha256);
  EXPECT_THAT(std::string(Read(/*rows=*/201).status().message()),
              HasSubstr("data.hdf5: has 200 rows, expected at least the "
                        "recipe's 201"));
}

TEST_F(DataSourceTest, RefusesDataOfAnotherSize) {
  {
    D4rlFile out(path_);
    out.Write("observations", {4, 3}, std::vector<double>(12));
    out.Write("actions", {4, 1}, std::vector<double>(4));
    out.Write("rewards", {4}, std::vector<double>(4));
    out.Write("terminals", {4}, std::vector<double>(4));
  }
  EXPECT_THAT(Refusal(), HasSubstr("observations have 3 values, expected 2"));
}

TEST_F(DataSourceTest, RefusesDataWithoutANextState) {
  WriteSingleRows(/*with_next=*/false);
  EXPECT_THAT(Refusal(), HasSubstr("data.hdf5: every training episode has one "
                                   "row, so no next state is known"));
  WriteSingleRows(/*with_next=*/true);
  EXPECT_TRUE(Read().ok()) << Refusal();
}

}  // namespace
}  // namespace foresight
