// Bundle::Load and Bundle::Create refuse wrong bundles and say why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/bundle/bundle.h"
#include "models/bundle/manifest.h"
#include "models/bundle/random_bundle.h"
#include "models/bundle/safetensors.h"
#include "models/bundle/sha256.h"
#include "support/file.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void Replace(std::string& text, const std::string& from,
             const std::string& to) {
  const size_t at = text.find(from);
  ASSERT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
}

// A bundle on its way to the disk. Changing one part also updates those made
// from it: the weights' bytes and their hash.
struct Parts {
  v1::Bundle manifest = RandomManifest({});
  TensorMap tensors = RandomTensors(manifest, 1);
  std::string weights;  // Made from `tensors`.
  std::string json;     // Made from `manifest` with the hash of `weights`.
};

struct Refused {
  const char* name;
  const char* file;
  std::string message;  // A part of the message.
  std::function<void(Parts&)> tensors = [](Parts&) {};
  std::function<void(Parts&)> weights = [](Parts&) {};
  std::function<void(Parts&)> json = [](Parts&) {};
};

void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}

void WriteBundle(const Refused& changes, const fs::path& folder) {
  Parts parts;
  changes.tensors(parts);
  parts.weights = FormatSafetensors(parts.tensors);
  changes.weights(parts);
  parts.manifest.set_weights_sha256(Sha256Hex(parts.weights));
  parts.json = FormatManifest(parts.manifest);
  changes.json(parts);
  ASSERT_TRUE(
      WriteFileAtomically(folder / "weights.safetensors", parts.weights).ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "bundle.json", parts.json).ok());
}

const char kJson[] = "bundle.json";
const char kWeights[] = "weights.safetensors";

std::vector<Refused> ManifestCases() {
  Refused empty{"EmptyManifest", kJson, "expected JSON"};
  empty.json = [](Parts& p) { p.json.clear(); };
  Refused truncated{"TruncatedManifest", kJson, "expected JSON"};
  truncated.json = [](Parts& p) { p.json.resize(p.json.size() / 2); };
  Refused large{"LargeManifest", kJson, "bytes, expected at most 4194304"};
  large.json = [](Parts& p) { p.json.resize(kMaxManifestBytes + 1, ' '); };
  Refused format{"UnknownFormat", kJson,
                 "format is \"foresight-bundle/7\", expected"};
  format.json = [](Parts& p) { Replace(p.json, "bundle/1", "bundle/7"); };
  Refused field{"UnknownField", kJson, "unknown field dynamics.ode"};
  field.json = [](Parts& p) {
    Replace(p.json, "\"betas\"", "\"ode\": true, \"betas\"");
  };
  Refused range{"FieldOutOfRange", kJson,
                "dynamics.members is 65, expected 1..64"};
  range.tensors = [](Parts& p) {
    p.manifest.mutable_dynamics()->set_members(65);
  };
  Refused unset{"MissingHash", kJson,
                "weights_sha256 is \"\", expected 64 lower-case hex digits"};
  unset.json = [](Parts& p) {
    Replace(p.json, p.manifest.weights_sha256(), "");
  };
  Refused upper{"UpperCaseHash", kJson, "expected 64 lower-case hex digits"};
  upper.json = [](Parts& p) {
    Replace(p.json, p.manifest.weights_sha256(), std::string(64, 'A'));
  };
  return {empty, truncated, large, format, field, range, unset, upper};
}

std::vector<Refused> FileCases() {
  Refused hash{"WrongHash", kWeights,
               "expected " + std::string(64, 'a') + ", weights_sha256 of"};
  hash.json = [](Parts& p) {
    Replace(p.json, p.manifest.weights_sha256(), std::string(64, 'a'));
  };
  Refused flipped{"FlippedBit", kWeights, "the SHA-256 is "};
  flipped.json = [](Parts& p) { p.weights.back() ^= 1; };
  Refused truncated{"TruncatedWeights", kWeights, "the SHA-256 is "};
  truncated.json = [](Parts& p) { p.weights.resize(p.weights.size() / 2); };
  Refused header{"OversizedHeader", kWeights, "the header's length is"};
  header.weights = [](Parts& p) { p.weights[7] = 1; };
  Refused shorter{"TruncatedHeader", kWeights,
                  "bytes, expected at most 92, what follows it in the file"};
  shorter.weights = [](Parts& p) { p.weights.resize(100); };
  Refused trailing{"TrailingBytes", kWeights, "trailing bytes"};
  trailing.weights = [](Parts& p) { p.weights += "1234"; };
  Refused large{"LargerThanAnySuchBundle", kWeights, "bytes, expected at most"};
  large.weights = [](Parts& p) { p.weights.resize(5u << 20); };
  return {hash, flipped, truncated, header, shorter, trailing, large};
}

std::vector<Refused> TensorCases() {
  const float nan = std::nanf("");
  Refused missing{"MissingTensor", kWeights,
                  "tensor critic.1.norms.0.bias is missing, expected [8]"};
  missing.tensors = [](Parts& p) { p.tensors.erase("critic.1.norms.0.bias"); };
  Refused extra{"ExtraTensor", kWeights,
                "tensor policy.layers.3.bias of shape [1], expected no tensor"};
  extra.tensors = [](Parts& p) {
    p.tensors["policy.layers.3.bias"] = {{1}, {0}};
  };
  Refused member{"MemberTooMany", kWeights, "tensor dynamics.1.layers.0.bias"};
  member.tensors = [](Parts& p) {
    p.manifest.mutable_dynamics()->set_members(2);
    p.tensors = RandomTensors(p.manifest, 1);
    p.manifest.mutable_dynamics()->set_members(1);
  };
  Refused shape{"MisshapenTensor", kWeights,
                "tensor reward.layers.0.weight has shape [5, 8], expected "
                "[8, 5]"};
  shape.tensors = [](Parts& p) {
    p.tensors["reward.layers.0.weight"].shape = {5, 8};
  };
  Refused width{"WidthThatDoesNotFit", kWeights,
                "tensor policy.layers.1.weight has shape [8, 8], expected "
                "[9, 8]"};
  width.tensors = [](Parts& p) {
    p.manifest.mutable_policy()->set_hidden(1, 9);
  };
  Refused size{"ObservationThatDoesNotFit", kWeights,
               "tensor policy.input.mean has shape [3], expected [4]"};
  size.tensors = [](Parts& p) { p.manifest.set_observation_size(4); };
  Refused not_a_number{"Nan", kWeights,
                       "tensor dynamics.0.layers.0.bias holds nan at 7"};
  not_a_number.tensors = [=](Parts& p) {
    p.tensors["dynamics.0.layers.0.bias"].values[7] = nan;
  };
  Refused std{"SmallStd", kWeights,
              "tensor reward.output.std holds 1e-07 at 0, expected at least "
              "1e-06"};
  std.tensors = [](Parts& p) {
    p.tensors["reward.output.std"].values[0] = 1e-7f;
  };
  Refused type{"Float16", kWeights,
               "tensor policy.input.mean: dtype is \"F16\""};
  type.weights = [](Parts& p) {
    const size_t at = p.weights.find("F32", p.weights.find("policy.input"));
    p.weights.replace(p.weights.rfind("F32", at), 3, "F16");
  };
  return {missing, extra, member, shape, width, size, std, not_a_number, type};
}

class RefusedBundle : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedBundle, NamesTheFileAndTheFault) {
  const TemporaryFolder folder;
  WriteBundle(GetParam(), folder.path());
  const auto bundle = Bundle::Load(folder.path());
  EXPECT_EQ(bundle.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(bundle.status().message());
  EXPECT_THAT(message, StartsWith((folder.path() / GetParam().file).string()));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

std::string CaseName(const ::testing::TestParamInfo<Refused>& refused) {
  return refused.param.name;
}
INSTANTIATE_TEST_SUITE_P(Manifest, RefusedBundle,
                         ::testing::ValuesIn(ManifestCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(File, RefusedBundle, ::testing::ValuesIn(FileCases()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Tensor, RefusedBundle,
                         ::testing::ValuesIn(TensorCases()), CaseName);

TEST(BundleLoad, TakesTheUnchangedParts) {
  const TemporaryFolder folder;
  WriteBundle({"Unchanged", "", ""}, folder.path());
  EXPECT_TRUE(Bundle::Load(folder.path()).ok());
}

// Tells an author who changed the weights but forgot the hash what is wrong
// with the weights, and the owner of a damaged file that it is damaged.
TEST(BundleLoad, ReportsAWrongHashBesideOtherFaults) {
  const TemporaryFolder folder;
  Refused changes{"", "", ""};
  changes.tensors = [](Parts& p) { p.tensors.erase("policy.input.std"); };
  WriteBundle(changes, folder.path());
  const std::string right(Bundle::Load(folder.path()).status().message());
  EXPECT_THAT(right, Not(HasSubstr("SHA-256")));
  changes.json = [](Parts& p) { p.weights.back() ^= 1; };
  WriteBundle(changes, folder.path());
  const std::string wrong(Bundle::Load(folder.path()).status().message());
  EXPECT_THAT(wrong, HasSubstr("tensor policy.input.std is missing"));
  EXPECT_THAT(wrong, HasSubstr("the SHA-256 is "));
}

TEST(BundleLoad, DoesNotFindAFileThatIsMissing) {
  const TemporaryFolder folder;
  const auto nothing = Bundle::Load(folder.path());
  EXPECT_EQ(nothing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(nothing.status().message()), HasSubstr(kJson));
  WriteBundle({"Unchanged", "", ""}, folder.path());
  fs::remove(folder.path() / kWeights);
  const auto half = Bundle::Load(folder.path());
  EXPECT_EQ(half.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(half.status().message()), HasSubstr(kWeights));
  const auto no_folder = Bundle::Load(folder.path() / kJson);
  EXPECT_EQ(no_folder.status().code(), absl::StatusCode::kNotFound);
}

TEST(BundleCreate, RefusesTheSameBundlesAsLoad) {
  std::vector<Refused> cases = TensorCases();
  for (const Refused& refused : ManifestCases()) cases.push_back(refused);
  int tried = 0;
  for (const Refused& refused : cases) {
    Parts parts;
    const std::string before =
        FormatManifest(parts.manifest) + FormatSafetensors(parts.tensors);
    refused.tensors(parts);
    if (FormatManifest(parts.manifest) + FormatSafetensors(parts.tensors) ==
        before) {
      continue;  // Only files can have this fault.
    }
    ++tried;
    const auto bundle = Bundle::Create(parts.manifest, parts.tensors);
    EXPECT_EQ(bundle.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(bundle.status().message());
    EXPECT_THAT(message, StartsWith(std::string(refused.file) + ": "));
    EXPECT_THAT(message, HasSubstr(refused.message));
  }
  EXPECT_EQ(tried, 9);
}

TEST(BundleCreate, RefusesBundlesThatCannotBeSaved) {
  Parts parts;
  parts.manifest.set_version("\xff");
  const auto invalid = Bundle::Create(parts.manifest, parts.tensors);
  EXPECT_THAT(std::string(invalid.status().message()),
              HasSubstr("bundle.json: expected every string to be UTF-8"));
  parts.manifest.set_version(std::string(kMaxManifestBytes, 'a'));
  const auto large = Bundle::Create(parts.manifest, parts.tensors);
  EXPECT_THAT(std::string(large.status().message()),
              HasSubstr("bytes, expected at most 4194304"));
}

}  // namespace
}  // namespace foresight
