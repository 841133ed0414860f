#include "server/durability/sealed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr char kFormat[] = "foresight-test/1";

TEST(SealedTest, UnsealUndoesSeal) {
  const std::string content("a\0b\n", 4);
  const auto unsealed = Unseal(kFormat, Seal(kFormat, content));
  ASSERT_TRUE(unsealed.ok()) << unsealed.status();
  EXPECT_EQ(*unsealed, content);
}

TEST(SealedTest, AnyBitThatChangesIsNoticed) {
  const std::string whole = Seal(kFormat, "content");
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_FALSE(Unseal(kFormat, flipped).ok()) << i << " " << bit;
    }
  }
}

TEST(SealedTest, AnyLengthButTheWholeIsNoticed) {
  const std::string whole = Seal(kFormat, "content");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(Unseal(kFormat, whole.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(Unseal(kFormat, whole + '\0').ok());
}

TEST(SealedTest, AnotherFormatIsNamed) {
  EXPECT_THAT(Unseal(kFormat, "foresight-test/2\n").status().message(),
              HasSubstr("begins with \"foresight-test/2\", expected "
                        "\"foresight-test/1\""));
}

}  // namespace
}  // namespace foresight
