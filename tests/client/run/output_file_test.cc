#include "client/run/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

TEST(OutputFileTest, ReplacesTheFilesContent) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "out.txt";
  ASSERT_TRUE(WriteFile(file, "a longer text\n").ok());
  ASSERT_TRUE(WriteFile(file, "short\n").ok());
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(text.str(), "short\n");
}

TEST(OutputFileTest, AnEmptyNameMeansNoFile) {
  EXPECT_TRUE(WriteFile("", "text").ok());
}

TEST(OutputFileTest, AFileThatCannotBeWrittenIsNamed) {
  const absl::Status status = WriteFile("/no/such/folder/x", "text");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("/no/such/folder/x"));
}

}  // namespace
}  // namespace foresight
