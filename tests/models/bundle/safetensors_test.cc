#include "models/bundle/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file with this header length, header, and number of zero bytes after it.
std::string FileOf(uint64_t length, const std::string& header, size_t data) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\0');
}

std::string FileOf(const std::string& header, size_t data) {
  return FileOf(header.size(), header, data);
}

TEST(ParseSafetensors, ReadsShapesAndValues) {
  std::string file = FileOf(
      R"({"__metadata__": {"format": "pt"},
          "b": {"dtype": "F32", "shape": [], "data_offsets": [8, 12]},
          "a": {"shape": [2, 1], "data_offsets": [0, 8], "dtype": "F32"},
          "none": {"dtype": "F32", "shape": [3, 0], "data_offsets": [8, 8]}}  )",
      12);
  const float values[] = {1.5f, -0.0f, 3};
  std::memcpy(&file[file.size() - 12], values, 12);
  const auto tensors = ParseSafetensors(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 3u);
  EXPECT_THAT(tensors->at("a").shape, ElementsAre(2, 1));
  EXPECT_THAT(tensors->at("a").values, ElementsAre(1.5f, -0.0f));
  EXPECT_THAT(tensors->at("b").shape, ElementsAre());
  EXPECT_THAT(tensors->at("b").values, ElementsAre(3));
  EXPECT_THAT(tensors->at("none").shape, ElementsAre(3, 0));
  EXPECT_TRUE(tensors->at("none").values.empty());
}

TEST(ParseSafetensors, ReadsAFileWithoutTensors) {
  const auto tensors = ParseSafetensors(FileOf("{}", 0));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_TRUE(tensors->empty());
}

TEST(FormatSafetensors, IsReadBackBitByBit) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float tiny = std::numeric_limits<float>::denorm_min();
  const TensorMap tensors = {{"x", {{2, 2}, {nan, tiny, -0.0f, 1}}},
                             {"a.b", {{1}, {7}}},
                             {"scalar", {{}, {2}}}};
  const std::string file = FormatSafetensors(tensors);
  const auto again = ParseSafetensors(file);
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ(again->size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor& other = again->at(name);
    EXPECT_EQ(other.shape, tensor.shape);
    ASSERT_EQ(other.values.size(), tensor.values.size());
    EXPECT_EQ(std::memcmp(other.values.data(), tensor.values.data(),
                          4 * tensor.values.size()),
              0);
  }
  EXPECT_EQ(FormatSafetensors(*again), file);
}

TEST(FormatSafetensors, BeginsTheDataAtAMultipleOfEight) {
  for (const char* name : {"a", "ab", "abc", "abcd", "abcde"}) {
    const std::string file = FormatSafetensors({{name, {{1}, {7}}}});
    uint64_t length = 0;
    std::memcpy(&length, file.data(), 8);
    EXPECT_EQ(length % 8, 0u);
    EXPECT_EQ(file.size(), 8 + length + 4);
    EXPECT_EQ(file[8], '{');
  }
}

struct Refused {
  const char* name;
  std::string file;
  std::vector<std::string> message;  // Parts of the message.
};

// Prints only the name, so that a failure does not print whole files.
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}

// A file with one tensor "t" of these fields.
std::string One(const std::string& fields, size_t data) {
  return FileOf("{\"t\":{" + fields + "}}", data);
}

std::string Header(const std::string& t, const std::string& u) {
  const std::string type = R"({"dtype":"F32","shape":[1],"data_offsets":)";
  return "{\"t\":" + type + t + "},\"u\":" + type + u + "}}";
}

std::vector<Refused> AllRefused() {
  const std::string type = R"("dtype":"F32",)";
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  const size_t limit = kMaxSafetensorsHeader;
  return {
      {"Empty", "", {"has 0 bytes, expected at least the 8"}},
      {"TruncatedLength", "1234567", {"has 7 bytes, expected at least the 8"}},
      {"TruncatedHeader",
       FileOf(3, "{}", 0),
       {"the header's length is 3 bytes, expected at most 2"}},
      {"OversizedHeader",
       FileOf(most, "{}", 8),
       {"is 18446744073709551615 bytes, expected at most 10"}},
      {"HeaderOverTheLimit",
       FileOf(limit + 1, "", limit + 1),
       {"is 4194305 bytes, expected at most 4194304"}},
      {"NoJson", FileOf("{\"t\"", 0), {"header: expected JSON", "column 5"}},
      {"NoHeader", FileOf("", 4), {"header: expected JSON"}},
      {"NoObject", FileOf("[]", 0), {"header: the JSON is of type array"}},
      {"TensorTwice",
       FileOf("{\"t\":{},\"t\":{}}", 0),
       {"header: t occurs twice"}},
      {"FieldTwice",
       One(type + "\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]", 4),
       {"header: shape occurs twice"}},
      {"NoTensorObject",
       FileOf("{\"t\":[]}", 0),
       {"tensor t: expected a JSON object"}},
      {"UnknownField",
       One(type + "\"shape\":[1],\"data_offsets\":[0,4],\"x\":1", 4),
       {"tensor t: unknown field x"}},
      {"NoType",
       One("\"shape\":[1],\"data_offsets\":[0,4]", 4),
       {"tensor t: dtype is \"missing\", expected \"F32\""}},
      {"Double",
       One("\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]", 8),
       {"tensor t: dtype is \"F64\", expected \"F32\""}},
      {"TypeIsNoString",
       One("\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]", 4),
       {"tensor t: dtype is 32, expected \"F32\""}},
      {"NoShape",
       One(type + "\"data_offsets\":[0,4]", 4),
       {"tensor t: expected shape to be an array"}},
      {"NegativeShape",
       One(type + "\"shape\":[-1],\"data_offsets\":[0,4]", 4),
       {"tensor t: shape holds -1, expected whole numbers"}},
      {"FractionalShape",
       One(type + "\"shape\":[1.0],\"data_offsets\":[0,4]", 4),
       {"tensor t: shape holds 1.0, expected whole numbers"}},
      {"RankOfNine",
       One(type + "\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]", 4),
       {"tensor t: expected shape to be an array of at most 8"}},
      {"ShapeOverflow",
       One(type + "\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]",
           0),
       {"tensor t: data_offsets span 0 bytes, expected more"}},
      {"ShapeOverflowWithAZero",
       One(type + "\"shape\":[18446744073709551615,0],\"data_offsets\":[0,0]",
           0),
       {"tensor t: data_offsets span 0 bytes, expected more"}},
      {"ShapeOverflowAfterAZero",
       One(type + "\"shape\":[0,18446744073709551615],\"data_offsets\":[0,0]",
           0),
       {"tensor t: data_offsets span 0 bytes, expected more"}},
      {"ShapeTooLarge",
       One(type + "\"shape\":[2],\"data_offsets\":[0,4]", 4),
       {"tensor t: data_offsets span 4 bytes, expected 8 for shape [2]"}},
      {"NoOffsets",
       One(type + "\"shape\":[1]", 4),
       {"tensor t: expected data_offsets to be an array"}},
      {"OneOffset",
       One(type + "\"shape\":[1],\"data_offsets\":[4]", 4),
       {"tensor t: data_offsets is [4], expected [begin, end]"}},
      {"OffsetsReversed",
       One(type + "\"shape\":[1],\"data_offsets\":[4,0]", 4),
       {"tensor t: data_offsets is [4, 0], expected [begin, end]"}},
      {"TruncatedData",
       One(type + "\"shape\":[2],\"data_offsets\":[0,8]", 7),
       {"tensor t: data_offsets is [0, 8], expected", "7 bytes of data"}},
      {"Hole",
       FileOf(Header("[0,4]", "[8,12]"), 12),
       {"tensor u: data begins at 8, expected 4", "hole"}},
      {"HoleAtTheBegin",
       FileOf(Header("[4,8]", "[8,12]"), 12),
       {"tensor t: data begins at 4, expected 0", "hole"}},
      {"Overlap",
       FileOf(Header("[0,4]", "[2,6]"), 6),
       {"tensor u: data begins at 2, expected 4", "overlap"}},
      {"Shared",
       FileOf(Header("[0,4]", "[0,4]"), 4),
       {"data begins at 0, expected 4", "overlap"}},
      {"TrailingBytes",
       FileOf(Header("[0,4]", "[4,8]"), 9),
       {"data ends at 8, expected 9", "trailing"}},
      {"NameThatDoesNotPrint",
       FileOf("{\"\\u001b[2J\":[]}", 0),
       {"tensor \\x1b[2J: expected a JSON object"}},
  };
}

class RefusedFile : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedFile, NamesTheFault) {
  const auto tensors = ParseSafetensors(GetParam().file);
  EXPECT_EQ(tensors.status().code(), absl::StatusCode::kInvalidArgument);
  for (const std::string& part : GetParam().message) {
    EXPECT_THAT(std::string(tensors.status().message()), HasSubstr(part));
  }
}

std::string CaseName(const ::testing::TestParamInfo<Refused>& refused) {
  return refused.param.name;
}
INSTANTIATE_TEST_SUITE_P(Safetensors, RefusedFile,
                         ::testing::ValuesIn(AllRefused()), CaseName);

}  // namespace
}  // namespace foresight
