#include "server/decisions/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/decisions/deciding_session.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReplayTest : public ::testing::Test {
 protected:
  // Decisions of a session, as they are kept.
  std::vector<v1::SavedDecision> Decisions(SessionState& session, int count) {
    std::vector<v1::SavedDecision> decisions(count);
    for (int n = 0; n < count; ++n) {
      const float value = 0.1f * static_cast<float>(n);
      *decisions[n].mutable_answer() = maker_.Decide(session, value);
      for (int i = 0; i < 3; ++i) decisions[n].add_observation(value);
    }
    return decisions;
  }

  SessionMaker maker_;
};

TEST_F(ReplayTest, DecisionsThatAreMadeAgainLeaveTheSessionWhereItWas) {
  SessionState before = maker_.NewSession("a", /*steps=*/2);
  const auto decisions = Decisions(before, 3);
  SessionState after = maker_.NewSession("a", 2);
  after.epoch = 2;
  const auto replayed = Replay(decisions, after);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->decisions, 3);
  EXPECT_EQ(replayed->different, 0);
  EXPECT_EQ(after.next_decision, 3u);
  EXPECT_EQ(after.resumed_from, 3u);
  EXPECT_EQ(after.parameters->Export(), before.parameters->Export());
  EXPECT_EQ(after.last_observation, before.last_observation);
  EXPECT_EQ(after.last_answer->epoch(), 2u);
  EXPECT_EQ(after.last_answer->action(0), before.last_answer->action(0));
}

TEST_F(ReplayTest, OnlyTheStepsThatWereDoneAreDoneAgain) {
  SessionState before = maker_.NewSession("a", /*steps=*/1);
  const auto decisions = Decisions(before, 2);
  SessionState after = maker_.NewSession("a", /*steps=*/5);
  ASSERT_TRUE(Replay(decisions, after).ok());
  EXPECT_EQ(after.parameters->Export(), before.parameters->Export());
  EXPECT_EQ(after.settings.steps, 5);
}

TEST_F(ReplayTest, AFrozenDecisionCostsNothing) {
  SessionState before = maker_.NewSession("a", /*steps=*/0);
  const auto decisions = Decisions(before, 2);
  const int made = maker_.engine()->decisions();
  SessionState after = maker_.NewSession("a", 0);
  ASSERT_TRUE(Replay(decisions, after).ok());
  EXPECT_EQ(maker_.engine()->decisions(), made);
  EXPECT_EQ(after.next_decision, 2u);
}

TEST_F(ReplayTest, AnActionThatComesOutOtherwiseIsCounted) {
  SessionState before = maker_.NewSession("a");
  auto decisions = Decisions(before, 2);
  decisions[1].mutable_answer()->set_action(0, 0.125f);
  SessionState after = maker_.NewSession("a");
  const auto replayed = Replay(decisions, after);
  ASSERT_TRUE(replayed.ok());
  EXPECT_EQ(replayed->different, 1);
  // A retry gets the recorded answer.
  EXPECT_EQ(after.last_answer->action(0), 0.125f);
}

TEST_F(ReplayTest, ItEndsBeforeADecisionThatIsMissingOrAnotherModels) {
  SessionState before = maker_.NewSession("a");
  auto decisions = Decisions(before, 4);
  auto gap = decisions;
  gap.erase(gap.begin() + 2);
  SessionState after = maker_.NewSession("a");
  const auto missing = Replay(gap, after);
  EXPECT_TRUE(absl::IsDataLoss(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()),
              HasSubstr("decision 3 follows, expected 2"));
  EXPECT_EQ(after.next_decision, 2u);
  EXPECT_THAT(after.last_observation, ElementsAre(0.1f, 0.1f, 0.1f));

  decisions[1].add_observation(0);
  SessionState other = maker_.NewSession("a");
  EXPECT_TRUE(absl::IsDataLoss(Replay(decisions, other).status()));
  EXPECT_EQ(other.next_decision, 1u);
}

}  // namespace
}  // namespace foresight
