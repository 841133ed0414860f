#include "client/late_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

const std::vector<float> kObservation = {0.5f};

v1::ActResponse AnswerWithPlan(const std::vector<float>& plan) {
  v1::ActResponse answer;
  for (const float value : plan) answer.add_plan()->add_values(value);
  return answer;
}

LateActions With(LatePolicy policy, LateCallback callback = nullptr) {
  return LateActions(policy, {0.7f}, std::move(callback));
}

LateActions::Choice Choose(const LateActions& actions, int64_t step) {
  return actions.Choose(step, kObservation, absl::Milliseconds(30));
}

TEST(LateActionsTest, BeforeAnyAnswerEachPolicyReturnsTheInitialAction) {
  for (const LatePolicy policy :
       {LatePolicy::kHoldLast, LatePolicy::kFollowPlan,
        LatePolicy::kCallback}) {
    const auto choice = Choose(With(policy), 1);
    EXPECT_THAT(choice.action, ElementsAre(0.7f));
    EXPECT_EQ(choice.source, ActionSource::kInitial);
  }
}

TEST(LateActionsTest, TheLastActionIsHeld) {
  LateActions actions = With(LatePolicy::kHoldLast);
  actions.TakeAnswer(AnswerWithPlan({0.1f}), 1);
  actions.TakeAction({0.3f});
  const auto choice = Choose(actions, 2);
  EXPECT_THAT(choice.action, ElementsAre(0.3f));
  EXPECT_EQ(choice.source, ActionSource::kHeld);
}

TEST(LateActionsTest, ThePlanIsFollowedStepByStepAndHeldAtItsEnd) {
  LateActions actions = With(LatePolicy::kFollowPlan);
  actions.TakeAnswer(AnswerWithPlan({0.1f, 0.2f}), 1);
  EXPECT_THAT(Choose(actions, 2).action, ElementsAre(0.1f));
  EXPECT_THAT(Choose(actions, 3).action, ElementsAre(0.2f));
  EXPECT_THAT(Choose(actions, 4).action, ElementsAre(0.2f));
  EXPECT_EQ(Choose(actions, 4).source, ActionSource::kPlan);
}

TEST(LateActionsTest, APlanThatCameLateIsFollowedFromTheStepThatItIs) {
  LateActions actions = With(LatePolicy::kFollowPlan);
  actions.TakeAnswer(AnswerWithPlan({-0.1f, -0.2f, -0.3f}), 1);
  actions.TakeAnswer(AnswerWithPlan({0.1f, 0.2f, 0.3f}), 2);
  EXPECT_THAT(Choose(actions, 4).action, ElementsAre(0.2f));
}

TEST(LateActionsTest, WithoutAPlanOfTheRightSizeTheLastActionIsHeld) {
  LateActions actions = With(LatePolicy::kFollowPlan);
  actions.TakeAction({0.3f});
  actions.TakeAnswer(AnswerWithPlan({}), 1);
  EXPECT_EQ(Choose(actions, 2).source, ActionSource::kHeld);
  v1::ActResponse wrong = AnswerWithPlan({0.1f});
  wrong.mutable_plan(0)->add_values(0.1f);
  actions.TakeAnswer(wrong, 1);
  EXPECT_EQ(Choose(actions, 2).source, ActionSource::kHeld);
  EXPECT_THAT(Choose(actions, 2).action, ElementsAre(0.3f));
}

TEST(LateActionsTest, TheCallbackSeesTheObservationAndTheDelay) {
  LateActions actions =
      With(LatePolicy::kCallback,
           [](absl::Span<const float> observation, absl::Duration late) {
             return std::vector<float>{
                 observation[0] *
                 static_cast<float>(absl::ToDoubleMilliseconds(late))};
           });
  actions.TakeAnswer({}, 1);
  const auto choice = Choose(actions, 2);
  EXPECT_THAT(choice.action, ElementsAre(FloatEq(0.5f * 30)));
  EXPECT_EQ(choice.source, ActionSource::kCallback);
}

TEST(LateActionsTest, ACallbacksActionOfAnotherSizeIsNotUsed) {
  LateActions actions =
      With(LatePolicy::kCallback, [](absl::Span<const float>, absl::Duration) {
        return std::vector<float>(2, 0.1f);
      });
  actions.TakeAnswer({}, 1);
  EXPECT_EQ(Choose(actions, 2).source, ActionSource::kHeld);
}

TEST(LateActionsTest, ARestartForgetsThePlanAndTheLastAction) {
  LateActions actions = With(LatePolicy::kFollowPlan);
  actions.TakeAnswer(AnswerWithPlan({0.1f}), 1);
  actions.TakeAction({0.3f});
  actions.Restart();
  EXPECT_EQ(Choose(actions, 2).source, ActionSource::kInitial);
  EXPECT_THAT(Choose(actions, 2).action, ElementsAre(0.7f));
}

}  // namespace
}  // namespace foresight
