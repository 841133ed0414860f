#include "server/adaptation/trials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/quadratic_policies.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Psi = WorkingPolicies::Psi;

class TrialsTest : public ::testing::Test {
 protected:
  TrialsTest() : world_{std::vector<QuadraticWorld::One>(3)} {
    world_.after = [this](const std::string& function,
                          absl::Span<const int> which) {
      calls_.push_back(function);
      for (const int i : which) calls_.back() += " " + std::to_string(i);
    };
    for (Problem& problem : problems_) trials_.Add(&problem);
    trials_.Focus({0, 1, 2});
  }

  QuadraticWorld world_;
  std::vector<std::string> calls_;  // "Act 0 2"
  QuadraticPolicies policies_{world_};
  Trials trials_{policies_};
  Problem problems_[3];
};

TEST_F(TrialsTest, AFreedPlaceIsTakenByTheNextProblem) {
  EXPECT_EQ(trials_.Find(problems_[1]), 1);
  trials_[1].changed = true;
  trials_.Remove(1);
  EXPECT_EQ(trials_.Find(problems_[1]), -1);
  EXPECT_FALSE(trials_.empty());
  Problem another;
  EXPECT_EQ(trials_.Add(&another), 1);
  EXPECT_FALSE(trials_[1].changed);
  EXPECT_EQ(&trials_.problem(1), &another);
  for (const int i : {0, 1, 2}) trials_.Remove(i);
  EXPECT_TRUE(trials_.empty());
}

TEST_F(TrialsTest, OnlyTheLivingInFocusAreSelected) {
  trials_.Focus({0, 2});
  trials_.Fail(2, absl::InternalError("x"));
  EXPECT_EQ(problems_[2].decision_or.status(), absl::InternalError("x"));
  std::vector<int> chosen = {7};
  EXPECT_TRUE(trials_.Select(chosen, [](int, const Trial&) { return true; }));
  EXPECT_THAT(chosen, ElementsAre(0));
  EXPECT_FALSE(trials_.Select(chosen, [](int, const Trial&) { return false; }));
  EXPECT_THAT(chosen, IsEmpty());
}

TEST_F(TrialsTest, ACancelledProblemFailsAndTheOthersGoOn) {
  const std::atomic<bool> cancelled = true;
  problems_[1].cancelled = &cancelled;
  const Clock clock = [] { return absl::UnixEpoch(); };
  trials_.FailCancelled(StopSignals(trials_.problems(), clock));
  EXPECT_EQ(problems_[1].decision_or.status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_FALSE(trials_[1].alive);
  EXPECT_TRUE(trials_[0].alive && trials_[2].alive);
}

TEST_F(TrialsTest, ActionsAndDriftsAreComputedOnceUntilAPull) {
  world_.ones[0].working = {3, 4};
  trials_.KnowActions({0, 1});
  trials_.KnowActions({0, 1, 2});
  trials_.KnowDrift({0});
  trials_.KnowDrift({0});
  EXPECT_THAT(calls_, ElementsAre("Act 0 1", "Act 2", "Drift 0"));
  EXPECT_THAT(trials_.action, ElementsAre(3, 4, 0, 0, 0, 0));
  EXPECT_EQ(trials_.drift[0], 5);
  calls_.clear();
  trials_.factor[0] = 0.5;
  trials_.Pull({0}, Psi::kPretrained);
  trials_.KnowActions({0, 1});
  trials_.KnowDrift({0});
  EXPECT_THAT(calls_, ElementsAre("Pull 0", "Act 0", "Drift 0"));
  EXPECT_EQ(trials_.drift[0], 2.5);
}

TEST_F(TrialsTest, UndoGoesBackToTheStart) {
  world_.ones[2].start = {1, 2};
  world_.ones[2].working = {9, 9};
  trials_[2].changed = true;
  trials_.Undo({2});
  EXPECT_FALSE(trials_[2].changed);
  EXPECT_THAT(world_.ones[2].working, ElementsAre(1, 2));
}

TEST_F(TrialsTest, RestoreBringsTheFocusBackAndForgetsMeasurements) {
  trials_[0].limited = true;
  trials_.Focus({0});
  trials_.Save();
  trials_.KnowActions({0});
  trials_[0].limited = false;
  trials_[1].limited = true;
  trials_.Restore();
  EXPECT_TRUE(trials_[0].limited);
  EXPECT_FALSE(trials_[0].action_known);
  EXPECT_TRUE(trials_[1].limited);
}

TEST_F(TrialsTest, DistancesAreTheLargestComponents) {
  trials_.action = {0, 0, 1, -3, 0, 0};
  EXPECT_EQ(trials_.ActionDistance({0, 0, 0.5f, 1, 0, 0}, 1), 4);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(trials_.ActionDistance({0, 0, nan, 1, 0, 0}, 1)));
  EXPECT_FALSE(trials_.ActionIsFinite({0, 0, nan, 1, 0, 0}, 1));
  EXPECT_TRUE(trials_.ActionIsFinite({0, 0, nan, 1, 0, 0}, 2));
}

}  // namespace
}  // namespace foresight
