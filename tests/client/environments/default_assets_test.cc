#include "client/environments/default_assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

TEST(DefaultAssetsTest, InstalledProgramsUseTheModelsInstalledWithThem) {
  const TemporaryFolder prefix;
  const auto assets = prefix.path() / "share/foresight/assets";
  std::filesystem::create_directories(assets);
  EXPECT_EQ(DefaultAssets(prefix.path() / "bin/foresight-run"), assets);
}

TEST(DefaultAssetsTest, OtherProgramsUseTheModelsOfTheBuild) {
  const TemporaryFolder prefix;
  const auto assets = DefaultAssets(prefix.path() / "bin/foresight-run");
  EXPECT_TRUE(std::filesystem::exists(assets / "half_cheetah.xml")) << assets;
  EXPECT_EQ(DefaultAssets(""), assets);
}

TEST(DefaultAssetsTest, TheRunningProgramIsThisTest) {
  EXPECT_THAT(RunningProgram().filename().string(),
              testing::HasSubstr("default_assets_test"));
}

}  // namespace
}  // namespace foresight
