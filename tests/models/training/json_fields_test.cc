#include "models/training/json_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foresight {
namespace {

using Json = nlohmann::json;

// The error after `read` has read `text`; empty for none.
template <typename Read>
std::string ErrorOf(const char* text, Read read) {
  const Json object = Json::parse(text);
  JsonFields fields(object, "policy.");
  read(fields);
  return std::string(fields.Finish().message());
}

TEST(JsonFieldsTest, ReadsEachKindOfField) {
  const Json object = Json::parse(
      R"({"rate": 0.5, "steps": 3, "on": true, "name": "x", "hidden": [8, 4],
          "inner": {"a": 1}})");
  JsonFields fields(object, "");
  double rate = 0;
  int steps = 0, a = 0;
  bool on = false;
  std::string name;
  std::vector<int> hidden;
  fields.Number("rate", 0, 1, rate);
  fields.Number("steps", 1, 10, steps);
  fields.Flag("on", on);
  fields.Text("name", name);
  fields.Widths("hidden", hidden);
  JsonFields inner = fields.Object("inner");
  inner.Number("a", 0, 1, a);
  EXPECT_TRUE(inner.Finish().ok()) << inner.Finish();
  EXPECT_TRUE(fields.Finish().ok()) << fields.Finish();
  EXPECT_EQ(rate, 0.5);
  EXPECT_EQ(steps, 3);
  EXPECT_TRUE(on);
  EXPECT_EQ(name, "x");
  EXPECT_EQ(hidden, (std::vector<int>{8, 4}));
  EXPECT_EQ(a, 1);
  EXPECT_TRUE(fields.Has("rate"));
  EXPECT_FALSE(fields.Has("absent"));
}

TEST(JsonFieldsTest, AWrongFieldIsNamedAndLeavesTheValueAlone) {
  int steps = 7;
  const auto read = [&](JsonFields& fields) {
    fields.Number("steps", 1, 10, steps);
  };
  for (const char* text :
       {R"({"steps": 11})", R"({"steps": 0})", R"({"steps": 1.5})",
        R"({"steps": "3"})", R"({"steps": null})", R"({})"}) {
    const std::string error = ErrorOf(text, read);
    EXPECT_NE(error.find("policy.steps"), std::string::npos) << text << error;
    EXPECT_EQ(steps, 7) << text;
  }
  EXPECT_EQ(ErrorOf(R"({"steps": 10})", read), "");
  EXPECT_EQ(steps, 10);
}

TEST(JsonFieldsTest, AFieldThatNobodyAsksForIsAnError) {
  int steps = 0;
  const std::string error = ErrorOf(
      R"({"steps": 1, "stpes": 2})",
      [&](JsonFields& fields) { fields.Number("steps", 1, 10, steps); });
  EXPECT_NE(error.find("stpes"), std::string::npos) << error;
}

TEST(JsonFieldsTest, TheFirstErrorIsReported) {
  bool on = false;
  std::string name;
  const std::string error =
      ErrorOf(R"({"on": 1, "name": ""})", [&](JsonFields& fields) {
        fields.Flag("on", on);
        fields.Text("name", name);
      });
  EXPECT_NE(error.find("policy.on"), std::string::npos) << error;
  EXPECT_EQ(error.find("policy.name"), std::string::npos) << error;
}

TEST(JsonFieldsTest, WidthsAreOneToSixteenPositiveNumbers) {
  std::vector<int> widths;
  const auto read = [&](JsonFields& fields) { fields.Widths("w", widths); };
  EXPECT_EQ(ErrorOf(R"({"w": [1]})", read), "");
  for (const char* text : {R"({"w": []})", R"({"w": [0]})", R"({"w": 8})",
                           R"({"w": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]})"}) {
    EXPECT_NE(ErrorOf(text, read), "") << text;
  }
}

}  // namespace
}  // namespace foresight
