#include "models/training/taken_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "models/bundle/random_bundle.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TakenPartsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Bundle bundle = RandomBundle();
    recipe_ = *ParseRecipe(SmallRecipe(10), "small");
    recipe_.observation_size = bundle.observation_size();
    recipe_.action_size = bundle.action_size();
    ASSERT_TRUE(bundle.Save(folder_.path()).ok());
  }
  absl::StatusOr<TakenParts> Take(
      const std::vector<std::string>& trained) const {
    return TakeParts(folder_.path(), recipe_, trained);
  }
  const TemporaryFolder folder_;
  Recipe recipe_;
};

TEST_F(TakenPartsTest, AreThoseThatAreNotTrained) {
  const auto taken = Take({"dynamics"});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(taken->parts, ElementsAre("policy", "reward"));
  EXPECT_TRUE(taken->Has("reward"));
  EXPECT_FALSE(taken->Has("dynamics"));
  EXPECT_EQ(taken->PolicySha256(), taken->bundle->manifest().weights_sha256());
  EXPECT_EQ(Take({"policy", "reward"})->PolicySha256(), "");
}

TEST_F(TakenPartsTest, AreNoneWithoutABundle) {
  const auto taken = TakeParts("", recipe_, {"dynamics"});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(taken->parts, IsEmpty());
  EXPECT_EQ(taken->PolicySha256(), "");
}

TEST_F(TakenPartsTest, EveryTensorBelongsToOnePart) {
  const auto taken = Take({"dynamics"});
  TensorMap all;
  for (const char* part : kParts) {
    TensorMap tensors = taken->Tensors(part);
    all.merge(tensors);
    EXPECT_THAT(tensors, IsEmpty()) << part;
  }
  EXPECT_EQ(all.size(), taken->bundle->tensors().size());
}

TEST_F(TakenPartsTest, RefusesABundleOfOtherSizes) {
  recipe_.action_size += 1;
  const auto taken = Take({"dynamics"});
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(taken.status().message()),
              HasSubstr("expected the recipe's S = "));
}

}  // namespace
}  // namespace foresight
