// Makes seeded random changes to both files of a bundle. Under the asan preset
// this also shows that nothing is read out of bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "models/bundle/bundle.h"
#include "models/bundle/layout.h"
#include "models/bundle/manifest.h"
#include "models/bundle/random_bundle.h"
#include "models/bundle/safetensors.h"
#include "models/bundle/sha256.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::StartsWith;

class Fuzz : public ::testing::Test {
 protected:
  Fuzz() : bundle_(RandomBundle()) {
    weights_ = FormatSafetensors(bundle_.tensors());
    json_ = FormatManifest(bundle_.manifest());
    header_size_ = weights_.find("}}") + 2;
  }

  size_t Below(size_t end) {
    return std::uniform_int_distribution<size_t>(0, end - 1)(random_);
  }

  // Makes one to four changes among the first `end` bytes; one may be a cut.
  // New bytes are often ones that have a meaning in JSON.
  std::string Damaged(std::string bytes, size_t end) {
    static const std::string kTelling("{}[]\",:0123456789-.eE \\\0", 24);
    const size_t changes = 1 + Below(4);
    for (size_t i = 0; i < changes; ++i) {
      const size_t at = Below(std::min(end, bytes.size()));
      switch (Below(6)) {
        case 0:
          bytes[at] ^= static_cast<char>(1 << Below(8));
          break;
        case 1:
        case 2:
          bytes[at] = kTelling[Below(kTelling.size())];
          break;
        case 3:
          bytes.insert(at, 1, kTelling[Below(kTelling.size())]);
          break;
        case 4:
          bytes.erase(at, 1 + Below(8));
          break;
        case 5:
          if (i == 0) bytes.resize(at + 1);
      }
    }
    return bytes;
  }

  // Removes the old file first, since truncating and rewriting a file is slow
  // on some disks. Does not sync.
  void Write(const char* name, const std::string& bytes) {
    std::filesystem::remove(folder_.path() / name);
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
  }

  absl::StatusOr<Bundle> Load(const std::string& json,
                              const std::string& weights) {
    Write("bundle.json", json);
    Write("weights.safetensors", weights);
    absl::StatusOr<Bundle> bundle = Bundle::Load(folder_.path());
    if (!bundle.ok()) {
      EXPECT_EQ(bundle.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(bundle.status().message()),
                  StartsWith(folder_.path().string()));
    }
    return bundle;
  }

  std::string JsonWithHashOf(const std::string& weights) {
    std::string json = json_;
    const std::string& hash = bundle_.manifest().weights_sha256();
    return json.replace(json.find(hash), hash.size(), Sha256Hex(weights));
  }

  const TemporaryFolder folder_;
  std::mt19937_64 random_{20240607};
  const Bundle bundle_;
  std::string weights_;
  std::string json_;
  size_t header_size_ = 0;
};

bool SameBits(const TensorMap& a, const TensorMap& b) {
  return FormatSafetensors(a) == FormatSafetensors(b);
}

TEST_F(Fuzz, DamagedWeightsNeverLoad) {
  for (int i = 0; i < 1000; ++i) {
    const size_t end = i % 2 == 0 ? header_size_ : weights_.size();
    const std::string weights = Damaged(weights_, end);
    if (weights == weights_) continue;
    ASSERT_FALSE(Load(json_, weights).ok()) << "change " << i;
  }
}

// An attacker who changes weights also writes the right hash.
TEST_F(Fuzz, WeightsWithTheRightHashLoadOnlyIfValid) {
  int loaded = 0;
  for (int i = 0; i < 2000; ++i) {
    const size_t end = i % 2 == 0 ? header_size_ : weights_.size();
    const std::string weights = Damaged(weights_, end);
    const auto bundle = Load(JsonWithHashOf(weights), weights);
    if (!bundle.ok()) continue;
    ++loaded;
    ASSERT_TRUE(
        CheckTensors(BundleTensors(bundle->manifest()), bundle->tensors())
            .ok());
    ASSERT_TRUE(SameBits(bundle->tensors(), ParseSafetensors(weights).value()));
  }
  EXPECT_GT(loaded, 0);  // A changed value may be valid.
  EXPECT_LT(loaded, 1000);
}

// Some changes of the manifest cannot be noticed, such as another version.
TEST_F(Fuzz, DamagedManifestsLoadTheSameWeightsOrAreRefused) {
  int loaded = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string json = Damaged(json_, json_.size());
    const auto bundle = Load(json, weights_);
    if (!bundle.ok()) continue;
    ++loaded;
    ASSERT_TRUE(SameBits(bundle->tensors(), bundle_.tensors()));
    ASSERT_TRUE(CheckManifest(bundle->manifest()).ok());
  }
  EXPECT_GT(loaded, 0);
  EXPECT_LT(loaded, 1000);
}

TEST_F(Fuzz, EveryTruncationIsRefused) {
  for (size_t size = 0; size < json_.size() - 2; size += 7) {
    ASSERT_FALSE(Load(json_.substr(0, size), weights_).ok()) << size;
  }
  for (size_t size = 0; size < weights_.size(); size += 31) {
    const std::string weights = weights_.substr(0, size);
    ASSERT_FALSE(Load(JsonWithHashOf(weights), weights).ok()) << size;
  }
}

}  // namespace
}  // namespace foresight
