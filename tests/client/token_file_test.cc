#include "client/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/time/clock.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TokenFileTest : public ::testing::Test {
 protected:
  // Replaces the file by a rename, as an operator should.
  void Write(const std::string& text) {
    const std::string fresh = path_ + ".new";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, path_);
  }
  std::string Message() {
    return std::string(TokenFile::Open(path_).status().message());
  }

  const TemporaryFolder folder_;
  const std::string path_ = (folder_.path() / "token").string();
};

TEST_F(TokenFileTest, ATokenIsOneLine) {
  for (const char* text : {"secret", "secret\n", "  secret\r\n"}) {
    Write(text);
    const auto file = TokenFile::Open(path_);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->Get(), "secret");
  }
}

TEST_F(TokenFileTest, OtherTextIsRefusedUnquoted) {
  EXPECT_EQ(TokenFile::Open(path_).status().code(),
            absl::StatusCode::kNotFound);
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("secret more"),
        std::string("secret\nmore"), std::string("secret\x01"),
        std::string("secret\xc3\xa4"), std::string(4097, 's')}) {
    Write(text);
    EXPECT_EQ(TokenFile::Open(path_).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(), HasSubstr(path_));
    EXPECT_THAT(Message(), Not(HasSubstr("secret")));
  }
}

TEST_F(TokenFileTest, AReplacedFileIsReadAgain) {
  Write("old");
  const auto file = TokenFile::Open(path_);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->Get(), "old");
  Write("new");
  const auto await = [&](const std::string& token) {
    const absl::Time give_up = absl::Now() + absl::Seconds(30);
    while ((*file)->Get() != token && absl::Now() < give_up) {
      absl::SleepFor(absl::Milliseconds(20));
    }
    return (*file)->Get() == token;
  };
  EXPECT_TRUE(await("new"));
  // Text that is not a token changes nothing.
  Write("");
  absl::SleepFor(absl::Seconds(2));
  EXPECT_EQ((*file)->Get(), "new");
  std::filesystem::remove(path_);
  absl::SleepFor(absl::Seconds(2));
  EXPECT_EQ((*file)->Get(), "new");
  Write("newer");
  EXPECT_TRUE(await("newer"));
}

}  // namespace
}  // namespace foresight
