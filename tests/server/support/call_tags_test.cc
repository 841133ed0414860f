#include "server/support/call_tags.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

// The example of the specification.
constexpr char kTraceparent[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(CallTagsTest, ARequestIdIsShortPrintableText) {
  EXPECT_TRUE(IsRequestId("a"));
  EXPECT_TRUE(IsRequestId("robot-7/loop:12"));
  EXPECT_TRUE(IsRequestId(std::string(128, 'x')));
  EXPECT_FALSE(IsRequestId(""));
  EXPECT_FALSE(IsRequestId(std::string(129, 'x')));
  EXPECT_FALSE(IsRequestId("two words"));
  EXPECT_FALSE(IsRequestId("line\nbreak"));
  EXPECT_FALSE(IsRequestId("\xc3\xa9"));
}

TEST(CallTagsTest, ATraceparentIsOfTheSpecifiedForm) {
  EXPECT_TRUE(IsTraceparent(kTraceparent));
  std::string later = kTraceparent;
  later[1] = '1';
  EXPECT_TRUE(IsTraceparent(later));
  EXPECT_TRUE(IsTraceparent(later + "-more"));
}

TEST(CallTagsTest, AnythingElseIsNone) {
  const auto with = [](size_t place, const std::string& text) {
    return std::string(kTraceparent).replace(place, text.size(), text);
  };
  for (const std::string& text :
       {std::string(), std::string(kTraceparent).substr(1),
        std::string(kTraceparent) + "-more", with(0, "ff"), with(0, "0g"),
        with(2, "_"), with(3, std::string(32, '0')), with(3, "4BF9"),
        with(35, " "), with(36, std::string(16, '0')), with(36, "x"),
        with(52, "0"), with(53, "-1"), with(0, "01") + "more",
        with(0, "01") + "-mo\nre",
        with(0, "01") + "-" + std::string(99, 'x')}) {
    EXPECT_FALSE(IsTraceparent(text)) << text;
  }
}

}  // namespace
}  // namespace foresight
