#include "models/bundle/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// Computed by hand from docs/method.md section 2 with beta = 0.2, 0.5.
TEST(DiffusionSchedule, IsTheClosedFormOfTwoSteps) {
  const std::vector<float> betas = {0.2f, 0.5f};
  const DiffusionSchedule schedule = MakeDiffusionSchedule(betas);
  const double tolerance = 1e-7;  // The betas are float32.
  EXPECT_THAT(schedule.alpha_bar, ElementsAre(DoubleNear(0.8, tolerance),
                                              DoubleNear(0.4, tolerance)));
  EXPECT_NEAR(schedule.c1[0], 1 / std::sqrt(0.8), tolerance);
  EXPECT_NEAR(schedule.c2[0], 0.2 / (std::sqrt(0.8) * std::sqrt(0.2)),
              tolerance);
  EXPECT_NEAR(schedule.c2[1], 0.5 / (std::sqrt(0.5) * std::sqrt(0.6)),
              tolerance);
  EXPECT_EQ(schedule.sigma[0], 0);
  EXPECT_NEAR(schedule.sigma[1], std::sqrt(0.5 * 0.2 / 0.6), tolerance);
}

TEST(TimeEmbedding, IsSinesThenCosines) {
  const std::vector<double> embedding = TimeEmbedding(2, 4);
  EXPECT_THAT(embedding, ElementsAre(std::sin(2.0), std::sin(0.02),
                                     std::cos(2.0), std::cos(0.02)));
}

TEST(SamplerSteps, DiffusionGoesFromTheLastBetaToTheFirst) {
  const std::vector<float> betas = {0.2f, 0.5f};
  const DiffusionSchedule schedule = MakeDiffusionSchedule(betas);
  const SamplerSteps steps = DiffusionSteps(betas, 4);
  EXPECT_THAT(steps.c1, ElementsAre(schedule.c1[1], schedule.c1[0]));
  EXPECT_THAT(steps.c2, ElementsAre(schedule.c2[1], schedule.c2[0]));
  EXPECT_THAT(steps.sigma, ElementsAre(schedule.sigma[1], 0));
  EXPECT_THAT(steps.embeddings,
              ElementsAre(DiffusionEmbedding(2, 4), DiffusionEmbedding(1, 4)));
  EXPECT_EQ(steps.slots, 2);
}

TEST(SamplerSteps, MeanFlowTakesEqualStepsFromNoiseToTheSample) {
  const SamplerSteps steps = MeanFlowSteps(2, 4);
  EXPECT_THAT(steps.c1, ElementsAre(1, 1));
  EXPECT_THAT(steps.c2, ElementsAre(0.5, 0.5));
  EXPECT_THAT(steps.sigma, ElementsAre(0, 0));
  EXPECT_THAT(steps.embeddings, ElementsAre(MeanFlowEmbedding(1, 0.5, 4),
                                            MeanFlowEmbedding(0.5, 0, 4)));
  EXPECT_EQ(steps.slots, 1);
}

TEST(MeanFlowEmbedding, IsTheTimeThenTheSpan) {
  const std::vector<double> embedding = MeanFlowEmbedding(1, 0.25, 4);
  EXPECT_THAT(embedding, ElementsAre(std::sin(1000.0), std::cos(1000.0),
                                     std::sin(750.0), std::cos(750.0)));
}

}  // namespace
}  // namespace foresight
