#include "tests/simulation/hand_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace foresight {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kSeeds = 10;

TEST(HandOverTest, WhateverHappensToTwoServersEachSessionHasOneOwner) {
  HandedOver all;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const HandOvers scenario = RandomHandOvers(seed);
    const HandedOver outcomes = Simulate(scenario);
    std::printf(
        "seed %d: %d restarts, %d kills, %lld partitions, %lld answers, "
        "%lld epochs, %lld lost\n",
        seed, outcomes.restarts, outcomes.kills,
        static_cast<long long>(outcomes.partitions),
        static_cast<long long>(outcomes.accepted),
        static_cast<long long>(outcomes.epochs),
        static_cast<long long>(outcomes.lost));
    EXPECT_THAT(outcomes.violations, IsEmpty());
    if (scenario.machine.keeps_each) {
      EXPECT_EQ(outcomes.lost, 0);
    }
    all.restarts += outcomes.restarts;
    all.kills += outcomes.kills;
    all.partitions += outcomes.partitions;
    all.epochs += outcomes.epochs;
    all.lost += outcomes.lost;
  }
  EXPECT_GT(all.restarts, 0);
  EXPECT_GT(all.kills, 0);
  EXPECT_GT(all.partitions, 0);
  EXPECT_GT(all.epochs, 0);
  EXPECT_GT(all.lost, 0) << "nothing was at stake";
}

TEST(HandOverTest, AStoreWithoutAFenceIsNoticed) {
  for (const bool each : {false, true}) {
    SCOPED_TRACE(each);
    HandOvers scenario;
    scenario.machine.keeps_each = each;
    EXPECT_THAT(Simulate(scenario).violations, IsEmpty());
    scenario.fence = false;
    EXPECT_THAT(Simulate(scenario).violations, Not(IsEmpty()));
  }
}

}  // namespace
}  // namespace foresight
