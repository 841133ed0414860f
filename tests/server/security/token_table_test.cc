#include "server/security/token_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "models/bundle/sha256.h"
#include "support/file.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Line(const std::string& name, const std::string& role,
                 const std::string& token) {
  return absl::StrCat(name, " ", role, " ", Sha256Hex(token), "\n");
}

TEST(TokenTableTest, ATokenNamesItsHolder) {
  const auto table = TokenTable::Parse(
      absl::StrCat("# The robots.\n\n", Line("alice", "act", "a-token"), "  ",
                   Line("bob", "admin", "b-token"), "\t# The end.\r\n"));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 2u);
  ASSERT_NE(table->Find("a-token"), nullptr);
  EXPECT_EQ(table->Find("a-token")->name, "alice");
  EXPECT_EQ(table->Find("a-token")->role, Role::kAct);
  ASSERT_NE(table->Find("b-token"), nullptr);
  EXPECT_EQ(table->Find("b-token")->name, "bob");
  EXPECT_EQ(table->Find("b-token")->role, Role::kAdmin);
}

TEST(TokenTableTest, OtherTextIsNotAToken) {
  const std::string digest = Sha256Hex("a-token");
  const auto table = TokenTable::Parse(Line("alice", "act", "a-token"));
  ASSERT_TRUE(table.ok());
  for (const std::string& other :
       {std::string(), std::string("a-toke"), std::string("a-token "),
        std::string("A-token"), digest, std::string("alice")}) {
    EXPECT_EQ(table->Find(other), nullptr) << other;
  }
}

TEST(TokenTableTest, ANameMayHoldAnOldAndANewToken) {
  const auto table = TokenTable::Parse(Line("alice", "act", "old") +
                                       Line("alice", "act", "new"));
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(*table->Find("old"), *table->Find("new"));
}

TEST(TokenTableTest, AMalformedLineIsNamedAndNotQuoted) {
  const std::string secret(64, 'f');
  const std::string digest = Sha256Hex("x");
  struct Row {
    std::string line;
    const char* says;
  };
  const Row rows[] = {
      {"alice act", "2 fields, expected 3"},
      {"alice act " + digest + " more", "4 fields, expected 3"},
      {"alice root " + digest, "expected act or admin"},
      {"alice ACT " + digest, "expected act or admin"},
      {"alice act " + secret.substr(1), "64 lower-case hex digits"},
      {"alice act " + secret + "f", "64 lower-case hex digits"},
      {"alice act " + std::string(64, 'F'), "64 lower-case hex digits"},
      {"alice act " + std::string(64, 'g'), "64 lower-case hex digits"},
      {"al\x01ice act " + digest, "printable ASCII"},
      {"al\xc3\xa4ice act " + digest, "printable ASCII"},
      {std::string(129, 'a') + " act " + digest, "at most 128"},
      {"carol act " + Sha256Hex("good"), "repeats the token"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    const auto table = TokenTable::Parse(
        absl::StrCat("# A comment.\n", Line("bob", "act", "good"), row.line));
    EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(table.status().message()), HasSubstr("line 3 "));
    EXPECT_THAT(std::string(table.status().message()), HasSubstr(row.says));
    EXPECT_THAT(std::string(table.status().message()),
                Not(HasSubstr(secret.substr(1))));
  }
}

TEST(TokenTableTest, ATableOfNobodyIsRefused) {
  for (const char* text : {"", "\n", "# alice act 00\n"}) {
    EXPECT_THAT(std::string(TokenTable::Parse(text).status().message()),
                HasSubstr("no token is listed"));
  }
}

TEST(TokenTableTest, MoreTokensThanItComparesAreRefused) {
  std::string text;
  for (size_t i = 0; i < TokenTable::kMostTokens; ++i) {
    text += Line("alice", "act", absl::StrCat(i));
  }
  EXPECT_TRUE(TokenTable::Parse(text).ok());
  text += Line("alice", "act", "one more");
  EXPECT_THAT(std::string(TokenTable::Parse(text).status().message()),
              HasSubstr("more than 4096 tokens"));
}

TEST(TokenTableTest, AFilesErrorsBeginWithItsPath) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "tokens").string();
  EXPECT_EQ(TokenTable::Load(path).status().code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(path, "alice\n").ok());
  EXPECT_THAT(std::string(TokenTable::Load(path).status().message()),
              HasSubstr(path + ": line 1 "));
  ASSERT_TRUE(WriteFileAtomically(path, Line("alice", "act", "a")).ok());
  EXPECT_TRUE(TokenTable::Load(path).ok());
}

}  // namespace
}  // namespace foresight
