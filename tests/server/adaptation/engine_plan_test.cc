// Compares every engine's plans with those of plain loops in double.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/engine_test.h"
#include "tests/support/reference_rollout.h"

namespace foresight {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::Pointwise;

// Unlike EngineSession, this fixture has the sizes of half-cheetah, both kinds
// of dynamics, and one or three members.
class EnginePlanTest : public ::testing::TestWithParam<
                           std::tuple<EngineUnderTest, DynamicsKind, int>> {
 protected:
  EnginePlanTest() {
    RandomBundleOptions options;
    options.observation_size = 17;
    options.action_size = 6;
    options.kind = std::get<1>(GetParam());
    options.members = std::get<2>(GetParam());
    bundle_ = std::make_shared<const Bundle>(RandomBundle(options));
    engine_ = std::get<0>(GetParam()).make(bundle_, absl::Now);
    psi_ = engine_->NewParameters();
    for (int i = 0; i < 17; ++i) observation_.push_back(0.1f * i - 0.7f);
    problem_.observation = observation_;
    problem_.parameters = psi_.get();
    problem_.settings = bundle_->defaults();
    problem_.settings.particles = 4;
    problem_.settings.step_size = 0.01f;
  }

  std::vector<float> Plan(int length) {
    problem_.plan_length = length;
    engine_->Adapt({&problem_, 1});
    EXPECT_TRUE(problem_.decision_or.ok()) << problem_.decision_or.status();
    return problem_.decision_or->plan;
  }

  std::shared_ptr<const Bundle> bundle_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PolicyParameters> psi_;
  std::vector<float> observation_;
  Problem problem_;
};

INSTANTIATE_TEST_SUITE_P(
    Engines, EnginePlanTest,
    ::testing::Combine(::testing::ValuesIn(AllEngines()),
                       ::testing::Values(DynamicsKind::kDiffusion,
                                         DynamicsKind::kMeanFlow),
                       ::testing::Values(1, 3)),
    [](const auto& which) {
      return std::get<0>(which.param).name +
             (std::get<1>(which.param) == DynamicsKind::kDiffusion
                  ? "Diffusion"
                  : "MeanFlow") +
             std::to_string(std::get<2>(which.param));
    });

TEST_P(EnginePlanTest, IsTheUpdatedPolicysOwnNoiseFreeRollout) {
  const ReferenceRollout reference(*bundle_);
  for (const int length : {1, 5, 8}) {
    const std::vector<float> plan = Plan(length);
    const std::vector<float> psi = psi_->Export();
    const std::vector<double> expected =
        reference.Plan({psi.begin(), psi.end()}, observation_,
                       problem_.settings.sampler_steps, length);
    // Engines may differ by this much; it also covers float32's rounding over a
    // few transitions.
    EXPECT_THAT(plan, Pointwise(FloatNear(1e-5f), expected)) << length;
    EXPECT_THAT(problem_.decision_or->report.steps_done, 1);
  }
}

TEST_P(EnginePlanTest, PlanHasTheWantedLengthAndNoOtherEffect) {
  problem_.settings.mode = Mode::kReset;
  EXPECT_TRUE(Plan(0).empty());
  const Decision without = *problem_.decision_or;
  const std::vector<float> plan = Plan(64);
  EXPECT_EQ(plan.size(), 64 * 6);
  EXPECT_THAT(plan, Each(FloatNear(0, 1)));
  EXPECT_EQ(problem_.decision_or->action, without.action);
  EXPECT_EQ(problem_.decision_or->report.gradient_norm,
            without.report.gradient_norm);
  EXPECT_TRUE(Plan(0).empty());
}

TEST_P(EnginePlanTest, EndsAtOnceWithoutTime) {
  problem_.deadline = absl::InfinitePast();
  EXPECT_TRUE(Plan(5).empty());
}

}  // namespace
}  // namespace foresight
