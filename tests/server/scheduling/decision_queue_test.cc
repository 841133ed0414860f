#include "server/scheduling/decision_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kMs = absl::Milliseconds(1);
const absl::Time kStart = absl::UnixEpoch();

absl::Time At(double ms) { return kStart + ms * kMs; }

// Its least answer takes 1 ms, each of its `steps` 10 ms.
DecisionQueue::Decision Due(uint64_t id, absl::Time deadline, int steps = 1) {
  return {id, deadline, kMs, 10 * kMs, steps};
}

std::vector<uint64_t> PopAll(DecisionQueue& queue, absl::Time now) {
  std::vector<uint64_t> ids;
  while (const auto turn = queue.Pop(now)) {
    ids.push_back(turn->id);
    queue.Finish(turn->id);
  }
  return ids;
}

TEST(DecisionQueueTest, TheEarliestDeadlineGoesFirst) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, absl::InfiniteFuture()), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(2, At(300)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(3, At(100)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(4, absl::InfiniteFuture()), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(5, At(300)), kStart).ok());
  // Equal deadlines in the order of arrival.
  EXPECT_THAT(PopAll(queue, kStart), ElementsAre(3, 2, 5, 1, 4));
  EXPECT_EQ(queue.Pop(kStart), std::nullopt);
}

TEST(DecisionQueueTest, AFullQueueRefusesAtOnceAndSaysWhenToTryAgain) {
  DecisionQueue queue({/*max_size=*/2, /*workers=*/1});
  ASSERT_TRUE(queue.Push(Due(1, absl::InfiniteFuture()), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(2, absl::InfiniteFuture()), kStart).ok());
  const absl::Status full = queue.Push(Due(3, At(100)), kStart).status();
  EXPECT_EQ(ReasonName(full), "OVERLOADED");
  EXPECT_EQ(full.message(), "2 decisions are waiting, expected fewer than 2");
  EXPECT_EQ(RetryDelay(full), 2 * kMs);  // The least answers of both.
  EXPECT_THAT(PopAll(queue, kStart), ElementsAre(1, 2));
}

TEST(DecisionQueueTest, WhatCouldNotHaveItsLeastAnswerInTimeIsRefused) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(50)), kStart).ok());
  ASSERT_EQ(queue.Pop(kStart)->id, 1u);  // Until 11: one step and the rest.
  const absl::Status late = queue.Push(Due(2, At(11.5)), kStart).status();
  EXPECT_EQ(ReasonName(late), "OVERLOADED");
  EXPECT_THAT(std::string(late.message()),
              HasSubstr("would take 12ms, expected at most 11.5ms"));
  EXPECT_EQ(RetryDelay(late), 11 * kMs);
  EXPECT_TRUE(queue.Push(Due(3, At(12)), kStart).ok());
}

TEST(DecisionQueueTest, AnAcceptedDecisionIsNotMadeLateByANewerOne) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(50)), kStart).ok());
  ASSERT_EQ(queue.Pop(kStart)->id, 1u);  // Until 11.
  ASSERT_TRUE(queue.Push(Due(2, At(13)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(3, At(13.5)), kStart).ok());
  // It could be done at 12, but then decision 3 would be at 14.
  EXPECT_EQ(ReasonName(queue.Push(Due(4, At(12)), kStart).status()),
            "OVERLOADED");
  // Behind them there is room.
  EXPECT_TRUE(queue.Push(Due(5, At(14)), kStart).ok());
}

TEST(DecisionQueueTest, WorkersShareTheBacklog) {
  DecisionQueue queue({/*max_size=*/100, /*workers=*/2});
  for (uint64_t id = 1; id <= 2; ++id) {
    ASSERT_TRUE(queue.Push(Due(id, At(50)), kStart).ok());
    ASSERT_EQ(queue.Pop(kStart)->id, id);  // Until 11.
  }
  ASSERT_TRUE(queue.Push(Due(3, At(12)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(4, At(12)), kStart).ok());
  EXPECT_FALSE(queue.Push(Due(5, At(12)), kStart).ok());
}

TEST(DecisionQueueTest, APushTellsWhetherAWorkerIsFree) {
  DecisionQueue queue({/*max_size=*/100, /*workers=*/2});
  EXPECT_TRUE(queue.Push(Due(1, At(50)), kStart).value());
  ASSERT_EQ(queue.Pop(kStart)->id, 1u);
  EXPECT_TRUE(queue.Push(Due(2, At(50)), kStart).value());
  EXPECT_FALSE(queue.Push(Due(3, At(50)), kStart).value());
  queue.Finish(1);
  ASSERT_EQ(queue.Pop(kStart)->id, 2u);
  ASSERT_EQ(queue.Pop(kStart)->id, 3u);
  EXPECT_FALSE(queue.Push(Due(4, At(50)), kStart).value());
}

TEST(DecisionQueueTest, AFreeWorkerTakesAnyDeadline) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(0.001)), kStart).ok());
  const auto turn = queue.Pop(At(1));
  ASSERT_TRUE(turn.has_value());
  EXPECT_TRUE(turn->in_time);
}

TEST(DecisionQueueTest, ADecisionThatWaitedPastItsDeadlineIsLate) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(50)), kStart).ok());
  ASSERT_EQ(queue.Pop(kStart)->id, 1u);
  ASSERT_TRUE(queue.Push(Due(2, At(20)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(3, At(40)), kStart).ok());
  queue.Finish(1);
  const auto late = queue.Pop(At(21));
  EXPECT_EQ(late->id, 2u);
  EXPECT_FALSE(late->in_time);
  // It took no worker: another arrival finds one free once 3 is taken away.
  ASSERT_TRUE(queue.Remove(3));
  EXPECT_TRUE(queue.Push(Due(4, At(21)), At(21)).ok());
}

TEST(DecisionQueueTest, ALoneDecisionHasAllItsTime) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(50)), kStart).ok());
  EXPECT_EQ(queue.Pop(kStart)->until, At(50));
}

TEST(DecisionQueueTest, ADecisionIsCutWhereOthersWouldElseBeLate) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(50), /*steps=*/4), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(2, At(60)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(3, At(60)), kStart).ok());
  // Nobody is pressed: 50 + 2 least answers is before 60.
  EXPECT_EQ(queue.Pop(kStart)->until, At(50));
  queue.Finish(1);

  ASSERT_TRUE(queue.Push(Due(4, At(20), /*steps=*/4), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(5, At(20)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(6, At(20)), kStart).ok());
  // The other two, a millisecond each, must still fit before 20.
  EXPECT_EQ(queue.Pop(kStart)->until, At(18));
}

TEST(DecisionQueueTest, AStepThatWouldBeCutIsNotBegun) {
  DecisionQueue queue({});
  for (uint64_t id = 1; id <= 3; ++id) {
    ASSERT_TRUE(queue.Push(Due(id, At(12)), kStart).ok());
  }
  // 10 ms remain when the others are left their due; a step and the rest of a
  // decision take 11.
  EXPECT_EQ(queue.Pop(kStart)->until, kStart);
  queue.Finish(1);
  // One millisecond later only one is left to wait: 12 - 1 is not enough for
  // it to wait for 11 more.
  EXPECT_EQ(queue.Pop(At(1))->until, At(1));
  queue.Finish(2);
  EXPECT_EQ(queue.Pop(At(1))->until, At(12));
}

TEST(DecisionQueueTest, ADecisionWithoutDeadlineIsNeverCut) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, absl::InfiniteFuture()), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(2, absl::InfiniteFuture()), kStart).ok());
  EXPECT_EQ(queue.Pop(kStart)->until, absl::InfiniteFuture());
}

TEST(DecisionQueueTest, OfAnUnknownStepTimeTheBestIsHoped) {
  DecisionQueue queue({});
  ASSERT_TRUE(
      queue.Push({1, At(30), kMs, absl::ZeroDuration(), 1}, kStart).ok());
  // It may take all its time, but nobody is refused for that.
  EXPECT_EQ(queue.Pop(kStart)->until, At(30));
  EXPECT_TRUE(queue.Push(Due(2, At(1)), kStart).ok());
  EXPECT_FALSE(queue.Push(Due(3, At(1)), kStart).ok());
}

TEST(DecisionQueueTest, ARemovedDecisionDoesNotRun) {
  DecisionQueue queue({});
  ASSERT_TRUE(queue.Push(Due(1, At(50)), kStart).ok());
  ASSERT_TRUE(queue.Push(Due(2, At(60)), kStart).ok());
  EXPECT_TRUE(queue.Remove(1));
  EXPECT_FALSE(queue.Remove(1));
  EXPECT_FALSE(queue.Remove(7));
  EXPECT_THAT(PopAll(queue, kStart), ElementsAre(2));
  EXPECT_FALSE(queue.Remove(2));
}

}  // namespace
}  // namespace foresight
