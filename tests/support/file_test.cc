#include "support/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

void ExpectRefusal(const absl::Status& status, absl::StatusCode code,
                   const std::string& begin, const std::string& part) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(std::string(status.message()).rfind(begin + ": ", 0), 0u) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(part));
}

TEST(ReadFile, ReadsBackTheWrittenBytes) {
  const TemporaryFolder folder;
  const std::string bytes("a\0\n\r\xff", 5);
  ASSERT_TRUE(WriteFileAtomically(folder.path() / "x", bytes).ok());
  EXPECT_EQ(ReadFile(folder.path() / "x", 5).value(), bytes);
}

TEST(ReadFile, RefusesAFileThatIsTooLong) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder.path() / "x", "12345").ok());
  ExpectRefusal(ReadFile(folder.path() / "x", 4).status(),
                absl::StatusCode::kInvalidArgument,
                (folder.path() / "x").string(),
                "the file has 5 bytes, expected at most 4");
}

TEST(ReadFile, ReportsAMissingFile) {
  const TemporaryFolder folder;
  ExpectRefusal(ReadFile(folder.path() / "x", 4).status(),
                absl::StatusCode::kNotFound, (folder.path() / "x").string(),
                "No such file");
}

TEST(ReadFile, RefusesAFolder) {
  const TemporaryFolder folder;
  ExpectRefusal(ReadFile(folder.path(), 4).status(),
                absl::StatusCode::kInvalidArgument, folder.path().string(),
                "expected a regular file");
}

TEST(ReadFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ExpectRefusal(ReadFile(pipe, 4).status(), absl::StatusCode::kInvalidArgument,
                pipe.string(), "expected a regular file");
}

TEST(WriteFileAtomically, ReplacesAFileAndLeavesNoOtherFile) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "x";
  ASSERT_TRUE(WriteFileAtomically(file, "old and longer").ok());
  ASSERT_TRUE(WriteFileAtomically(file, "new").ok());
  EXPECT_EQ(ReadFile(file, 100).value(), "new");
  EXPECT_EQ(NamesIn(folder.path()), std::vector<std::string>{"x"});
}

// A reader that has the old file open keeps reading the old bytes, since the
// new file arrives by a rename.
TEST(WriteFileAtomically, LeavesTheOldFileToItsReaders) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "x";
  ASSERT_TRUE(WriteFileAtomically(file, "old").ok());
  fs::create_hard_link(file, folder.path() / "old");
  ASSERT_TRUE(WriteFileAtomically(file, "new").ok());
  EXPECT_EQ(ReadFile(folder.path() / "old", 100).value(), "old");
  EXPECT_EQ(ReadFile(file, 100).value(), "new");
}

TEST(WriteFileAtomically, LeavesTheFolderAsItWasWhenItFails) {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "taken";
  fs::create_directory(target);  // A rename cannot replace it.
  ExpectRefusal(WriteFileAtomically(target, "new"),
                absl::StatusCode::kUnavailable, target.string(),
                "cannot rename to");
  EXPECT_EQ(NamesIn(folder.path()), std::vector<std::string>{"taken"});
  ExpectRefusal(WriteFileAtomically(folder.path() / "no" / "x", "new"),
                absl::StatusCode::kUnavailable,
                (folder.path() / "no" / "x").string(), "cannot create");
}

TEST(WriteFileAtomically, TakesANameInTheWorkingFolder) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  const absl::Status status = WriteFileAtomically("x", "new");
  fs::current_path(before);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(ReadFile(folder.path() / "x", 100).value(), "new");
}

}  // namespace
}  // namespace foresight
