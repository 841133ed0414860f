// The engines agree on a control loop's observations, not only on random
// weights: observations 100000 to 100199 of D4RL-format half-cheetah
// medium-replay, one after another, on the pretrained bundle.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "server/adaptation/autograd/autograd_engine.h"
#include "server/adaptation/fused/fused_engine.h"

namespace foresight {
namespace {

std::vector<std::vector<float>> RecordedObservations() {
  std::ifstream file(FORESIGHT_SOURCE_DIR
                     "/tests/data/halfcheetah-observations.json");
  return nlohmann::json::parse(file);
}

// One session of an engine in reset mode.
class Session {
 public:
  Session(const Bundle& bundle, std::unique_ptr<Engine> engine)
      : settings_(bundle.defaults()),
        engine_(std::move(engine)),
        psi_(engine_->NewParameters()) {
    settings_.horizon = 5;
    settings_.steps = 1;
    settings_.mode = Mode::kReset;
  }

  std::vector<float> Act(int decision, const std::vector<float>& observation) {
    Problem problem;
    problem.observation = observation;
    problem.parameters = psi_.get();
    problem.seed = 1;
    problem.decision = decision;
    problem.settings = settings_;
    engine_->Adapt(absl::MakeSpan(&problem, 1));
    EXPECT_TRUE(problem.decision_or.ok()) << problem.decision_or.status();
    EXPECT_EQ(problem.decision_or->report.steps_done, 1);
    return problem.decision_or->action;
  }

 private:
  AdaptationSettings settings_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PolicyParameters> psi_;
};

double Gap(const std::vector<float>& a, const std::vector<float>& b) {
  double gap = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    gap = std::max(gap, std::abs(double{a[i]} - b[i]));
  }
  return gap;
}

std::shared_ptr<const Bundle> Pretrained() {
  return std::make_shared<const Bundle>(
      Bundle::Load(FORESIGHT_SOURCE_DIR
                   "/models/pretrained/halfcheetah-medium-replay")
          .value());
}

TEST(EngineReplayTest, FusedActsAsAutogradOnRecordedObservations) {
  const auto bundle = Pretrained();
  Session fused(*bundle, FusedEngine::Create(bundle, {}).value());
  Session autograd(*bundle, AutogradEngine::Create(*bundle).value());
  AutogradEngine::Options in_double;
  in_double.double_precision = true;
  Session exact(*bundle, AutogradEngine::Create(*bundle, in_double).value());

  const auto observations = RecordedObservations();
  ASSERT_EQ(observations.size(), 200);
  int close = 0;
  double largest = 0, largest_of_float32 = 0;
  for (size_t t = 0; t < observations.size(); ++t) {
    const std::vector<float> action = autograd.Act(t, observations[t]);
    const double gap = Gap(fused.Act(t, observations[t]), action);
    const double float32_gap = Gap(action, exact.Act(t, observations[t]));
    close += gap <= 1e-5;
    largest = std::max(largest, gap);
    largest_of_float32 = std::max(largest_of_float32, float32_gap);
  }
  // On Zen 4, 198 of 200 are this close with AVX-512 and AVX2, 196 with the
  // portable kernels. LibTorch rounds differently on other CPUs.
  EXPECT_GE(close, 190);
  // Compares the largest gaps of all observations, since rounding decides at
  // which of them a rollout crosses a kink (AKinkMovesEvenFloat64).
  EXPECT_LE(largest, 10 * largest_of_float32);
  RecordProperty("within_1e-5", close);
  RecordProperty("largest", std::to_string(largest));
  RecordProperty("largest_of_float32", std::to_string(largest_of_float32));
}

// At the observation where the engines differ most, float64's action jumps as
// far if the first coordinate moves by 3e-7.
TEST(EngineReplayTest, AKinkMovesEvenFloat64) {
  const auto bundle = Pretrained();
  AutogradEngine::Options in_double;
  in_double.double_precision = true;
  Session exact(*bundle, AutogradEngine::Create(*bundle, in_double).value());
  const int t = 149;
  const std::vector<float> observation = RecordedObservations()[t];
  const std::vector<float> action = exact.Act(t, observation);
  std::vector<float> moved = observation;
  moved[0] += 3e-7f;
  EXPECT_LT(Gap(exact.Act(t, moved), action), 5e-6);
  moved[0] = observation[0] - 3e-7f;
  EXPECT_NEAR(Gap(exact.Act(t, moved), action), 6.2e-5, 5e-6);
}

// Bounds how far bfloat16 moves actions in [-1, 1]. --gtest_output=json:FILE
// has the figures.
TEST(EngineReplayTest, Bfloat16ActsNearFloat32) {
  const auto bundle = Pretrained();
  FusedEngine::Options in_half;
  in_half.precision = fused::Precision::kBfloat16;
  auto engine = FusedEngine::Create(bundle, in_half);
  if (!engine.ok()) GTEST_SKIP() << engine.status();
  Session half(*bundle, *std::move(engine));
  Session single(*bundle, FusedEngine::Create(bundle, {}).value());
  std::vector<double> gaps;
  const auto observations = RecordedObservations();
  for (size_t t = 0; t < observations.size(); ++t) {
    gaps.push_back(
        Gap(half.Act(t, observations[t]), single.Act(t, observations[t])));
  }
  std::sort(gaps.begin(), gaps.end());
  const double median = gaps[gaps.size() / 2];
  EXPECT_GT(median, 1e-6);  // bfloat16 is really used.
  EXPECT_LT(median, 5e-3);
  EXPECT_LT(gaps.back(), 0.3);
  RecordProperty("median", std::to_string(median));
  RecordProperty("largest", std::to_string(gaps.back()));
}

}  // namespace
}  // namespace foresight
