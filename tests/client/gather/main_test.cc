// Runs foresight-gather as a user does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr char kProgram[] = FORESIGHT_BUILD_DIR "/bin/foresight-gather";

void WriteReport(const std::filesystem::path& file, int seed) {
  std::ofstream(file) << R"({"environment": "HalfCheetah-v4", "model": "m",
    "settings": {"horizon": 5}, "episodes": [{"seed": )"
                      << seed << R"(, "frozen_return": 5, "adapted_return": 8,
    "steps_done_mean": 1}]})";
}

TEST(ForesightGatherTest, GathersTheReportsOfAFolder) {
  const TemporaryFolder folder;
  WriteReport(folder.path() / "a.json", 1);
  WriteReport(folder.path() / "b.json", 2);
  std::ofstream(folder.path() / "notes.txt") << "not a report";
  const std::string out = folder.path() / "all.out";
  const CommandResult result =
      RunCommand({kProgram, folder.path(), "--episodes", "2", "--json", out});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("2 episodes, seeds 1 to 2"));
  EXPECT_THAT(result.output, HasSubstr("+3.0"));
  EXPECT_TRUE(std::filesystem::exists(out));
}

TEST(ForesightGatherTest, MissingEpisodesFail) {
  const TemporaryFolder folder;
  WriteReport(folder.path() / "a.json", 1);
  const CommandResult result =
      RunCommand({kProgram, folder.path(), "--episodes", "2"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors,
            "foresight-gather: found 1 episodes in 1 reports, expected 2\n");
}

TEST(ForesightGatherTest, NamesUnreadableFiles) {
  const CommandResult result = RunCommand({kProgram, "/no/such.json"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "foresight-gather: cannot read /no/such.json\n");
  EXPECT_EQ(RunCommand({kProgram}).exit_code, 2);
}

}  // namespace
}  // namespace foresight
