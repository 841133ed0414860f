#include "models/bundle/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace foresight {
namespace {

using ::testing::HasSubstr;

std::string Refusal(const std::string& text) {
  const auto object = ParseStrictJson(text);
  EXPECT_EQ(object.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(object.status().message());
}

TEST(ParseStrictJson, ReadsAnObject) {
  const auto object = ParseStrictJson(R"({"a": {"x": 1}, "b": {"x": [2]}} )");
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ((*object)["b"]["x"][0], 2);
}

TEST(ParseStrictJson, RefusesANameThatOccursTwiceInOneObject) {
  EXPECT_EQ(Refusal(R"({"a": 1, "a": 1})"), "a occurs twice");
  EXPECT_EQ(Refusal(R"({"b": [{"a": {}, "c": {"a": 1}, "a": 1}]})"),
            "a occurs twice");
}

TEST(ParseStrictJson, RefusesTextThatIsNotJson) {
  EXPECT_THAT(Refusal("{\"a\":\n 01}"), HasSubstr("line 2, column 3"));
  for (const char* text : {"", "{", "{} x", "{a: 1}", "{'a': 1}", "{\"a\": 1,}",
                           "{\"a\": NaN}", "{\"a\": 1e999}", "{\"\xff\": 1}"}) {
    EXPECT_THAT(Refusal(text), HasSubstr("expected JSON: ")) << text;
  }
}

TEST(ParseStrictJson, RefusesJsonThatIsNotAnObject) {
  EXPECT_EQ(Refusal("[1]"), "the JSON is of type array, expected object");
}

TEST(ParseStrictJson, SurvivesDeepNesting) {
  const std::string open(100000, '['), close(100000, ']');
  EXPECT_TRUE(ParseStrictJson("{\"a\":" + open + close + "}").ok());
  EXPECT_THAT(Refusal("{\"a\":" + open), HasSubstr("unexpected end"));
}

TEST(Printable, EscapesAndShortens) {
  EXPECT_EQ(Printable("it's \"a\"\n\x1b\xff"), "it's \"a\"\\n\\x1b\\xff");
  EXPECT_EQ(Printable(std::string(1000, 'a')).size(), 163u);
}

}  // namespace
}  // namespace foresight
