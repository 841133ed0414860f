#include "server/registry/loaded_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/bundle/random_bundle.h"
#include "tests/support/fake_engine.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LoadedModelTest : public ::testing::Test {
 protected:
  absl::StatusOr<LoadedModel> Warm() const { return WarmUp(bundle_, engine_); }

  const std::shared_ptr<const Bundle> bundle_ =
      std::make_shared<const Bundle>(RandomBundle());
  const std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>(2);
};

TEST_F(LoadedModelTest, WarmUpMeasuresBothKindsOfDecisions) {
  const auto model = Warm();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->name(), "random");
  EXPECT_EQ(model->bundle, bundle_);
  EXPECT_GT(model->frozen_time, absl::ZeroDuration());
  EXPECT_GE(model->default_step_time, absl::Microseconds(1));
  EXPECT_GT(engine_->steps(), 0);
  EXPECT_GT(engine_->decisions(), engine_->steps());  // Some had no step.
  EXPECT_EQ(engine_->alive(), 0);
}

TEST_F(LoadedModelTest, WarmUpMeasuresJointStepsIfTheEngineMakesThem) {
  EXPECT_EQ(Warm()->default_further_time, absl::InfiniteDuration());
  const auto joint = WarmUp(bundle_, std::make_shared<FakeEngine>(2, 64));
  ASSERT_TRUE(joint.ok()) << joint.status();
  EXPECT_GE(joint->default_further_time, absl::ZeroDuration());
  EXPECT_LT(joint->default_further_time, absl::Seconds(1));
}

TEST_F(LoadedModelTest, EachModelHasAnIdOfItsOwn) {
  EXPECT_NE(Warm()->id, Warm()->id);
}

TEST_F(LoadedModelTest, AnEngineThatFailsIsRefused) {
  engine_->Fail(absl::InvalidArgumentError("broken"));
  const absl::Status status = Warm().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("random"), HasSubstr("fake"), HasSubstr("broken")));
}

TEST_F(LoadedModelTest, AStepsTimeGrowsWithTheImaginedTransitions) {
  LoadedModel model{bundle_, engine_};
  model.default_step_time = absl::Milliseconds(4);
  model.default_further_time = absl::Milliseconds(1);
  AdaptationSettings settings = bundle_->defaults();
  settings.particles = 10;
  const absl::Duration ten = model.StepTime(settings);
  EXPECT_EQ(model.StepTime(bundle_->defaults()), absl::Milliseconds(4));
  settings.particles = 20;
  EXPECT_EQ(model.StepTime(settings), 2 * ten);
  settings.horizon *= 3;
  EXPECT_EQ(model.StepTime(settings), 6 * ten);
  settings.sampler_steps *= 2;
  EXPECT_EQ(model.StepTime(settings), 12 * ten);
  EXPECT_EQ(model.FurtherTime(settings), 3 * ten);
  // One particle takes as long as two.
  settings.particles = 2;
  const absl::Duration two = model.StepTime(settings);
  settings.particles = 1;
  EXPECT_EQ(model.StepTime(settings), two);
}

}  // namespace
}  // namespace foresight
