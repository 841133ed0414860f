// Bundle::Save and the files that it leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "models/bundle/bundle.h"
#include "models/bundle/random_bundle.h"
#include "models/bundle/safetensors.h"
#include "support/file.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const char kJson[] = "bundle.json";
const char kWeights[] = "weights.safetensors";

TEST(BundleSave, SaysWhichFileTheDiskRefuses) {
  const TemporaryFolder folder;
  const Bundle bundle = RandomBundle();
  ASSERT_TRUE(WriteFileAtomically(folder.path() / "file", "").ok());
  const absl::Status in_a_file = bundle.Save(folder.path() / "file");
  EXPECT_EQ(in_a_file.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(in_a_file.message()),
              StartsWith((folder.path() / "file").string()));
  fs::create_directories(folder.path() / "taken" / kWeights);
  const absl::Status taken = bundle.Save(folder.path() / "taken");
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), HasSubstr(kWeights));
  EXPECT_FALSE(fs::exists(folder.path() / "taken" / kJson));
}

// When one bundle replaces another one, the new weights stand beside the
// old manifest between the two renames.
TEST(BundleSave, NeverShowsAHalfSavedBundle) {
  const TemporaryFolder folder;
  RandomBundleOptions options;
  ASSERT_TRUE(RandomBundle(options).Save(folder.path() / "old").ok());
  options.seed = 2;
  ASSERT_TRUE(RandomBundle(options).Save(folder.path() / "new").ok());
  fs::copy_file(folder.path() / "new" / kWeights,
                folder.path() / "old" / kWeights,
                fs::copy_options::overwrite_existing);
  const auto bundle = Bundle::Load(folder.path() / "old");
  EXPECT_THAT(std::string(bundle.status().message()),
              HasSubstr("the SHA-256 is "));
}

// The reference's file was written by another writer, with another header.
TEST(BundleSave, KeepsTheBitsOfABundleOfAnotherWriter) {
  const TemporaryFolder folder;
  const auto reference =
      Bundle::Load(FORESIGHT_SOURCE_DIR "/tests/data/reference-halfcheetah");
  ASSERT_TRUE(reference.ok()) << reference.status();
  ASSERT_TRUE(reference->Save(folder.path()).ok());
  const auto again = Bundle::Load(folder.path());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(FormatSafetensors(again->tensors()),
            FormatSafetensors(reference->tensors()));
  v1::Bundle manifest = again->manifest();
  EXPECT_NE(manifest.weights_sha256(), reference->manifest().weights_sha256());
  manifest.set_weights_sha256(reference->manifest().weights_sha256());
  EXPECT_EQ(manifest.SerializeAsString(),
            reference->manifest().SerializeAsString());
}

}  // namespace
}  // namespace foresight
