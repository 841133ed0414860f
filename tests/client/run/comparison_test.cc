#include "client/run/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

EpisodeResult Episode(double episode_return, double steps_done,
                      std::vector<double> latencies_ms) {
  EpisodeResult result;
  result.episode_return = episode_return;
  result.steps = static_cast<int>(latencies_ms.size());
  result.steps_done_mean = steps_done;
  result.latencies_ms = std::move(latencies_ms);
  result.outcomes[steps_done > 0 ? v1::ADAPTED : v1::FROZEN] = result.steps;
  result.settings.set_steps(steps_done > 0 ? 2 : 0);
  return result;
}

EnvironmentSpec Spec() {
  EnvironmentSpec spec;
  spec.random_return = 0;
  spec.expert_return = 200;
  return spec;
}

TEST(ComparisonTest, VariantsArePairedBySeed) {
  const Comparison comparison =
      Compare(Spec(), v1::Model(),
              {{5, Episode(10, 0, {1}), Episode(30, 2, {3})},
               {6, Episode(100, 0, {1}), Episode(110, 2, {5})},
               {7, Episode(1000, 0, {1}), Episode(1030, 2, {4})}});
  ASSERT_TRUE(comparison.frozen.has_value());
  ASSERT_TRUE(comparison.adapted.has_value());
  EXPECT_DOUBLE_EQ(comparison.frozen->mean, 370);
  EXPECT_DOUBLE_EQ(comparison.adapted->mean, 390);
  EXPECT_DOUBLE_EQ(comparison.adapted->score, 195);
  EXPECT_DOUBLE_EQ(*comparison.difference, 20);
  // The spread between seeds is in both variants and cancels: the mean of any
  // resample of (20, 10, 30) lies between 10 and 30.
  ASSERT_TRUE(comparison.interval.has_value());
  EXPECT_GE(comparison.interval->low, 10);
  EXPECT_LE(comparison.interval->high, 30);
  EXPECT_LT(comparison.interval->low, 20);
  EXPECT_GT(comparison.interval->high, 20);
  EXPECT_EQ(comparison.settings.steps(), 2u);
}

TEST(ComparisonTest, LatenciesAndStepsAreOfAllDecisions) {
  const Comparison comparison =
      Compare(Spec(), v1::Model(),
              {{5, std::nullopt, Episode(0, 2, {1, 2, 3})},
               {6, std::nullopt, Episode(0, 1, {4})}});
  ASSERT_TRUE(comparison.adapted.has_value());
  EXPECT_DOUBLE_EQ(comparison.adapted->latency_p50_ms, 2.5);
  EXPECT_DOUBLE_EQ(comparison.adapted->latency_p99_ms, 3.97);
  EXPECT_DOUBLE_EQ(comparison.adapted->steps_done_mean, 1.75);
  EXPECT_THAT(comparison.adapted->outcomes, ElementsAre(Pair(v1::ADAPTED, 4)));
}

TEST(ComparisonTest, OneVariantAloneHasNoDifference) {
  const Comparison comparison =
      Compare(Spec(), v1::Model(),
              {{5, Episode(10, 0, {1}), std::nullopt},
               {6, Episode(20, 0, {1}), std::nullopt}});
  EXPECT_TRUE(comparison.frozen.has_value());
  EXPECT_FALSE(comparison.adapted.has_value());
  EXPECT_FALSE(comparison.difference.has_value());
  EXPECT_FALSE(comparison.interval.has_value());
}

TEST(ComparisonTest, OnePairHasNoInterval) {
  const Comparison comparison = Compare(
      Spec(), v1::Model(), {{5, Episode(10, 0, {1}), Episode(30, 2, {3})}});
  EXPECT_DOUBLE_EQ(*comparison.difference, 20);
  EXPECT_FALSE(comparison.interval.has_value());
}

}  // namespace
}  // namespace foresight
