// Every engine makes the same decisions as an independent implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "server/adaptation/engine.h"
#include "tests/support/engine_test.h"
#include "tests/support/reference_decisions.h"

namespace foresight {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<float> Floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

std::shared_ptr<const Bundle> ReferenceBundle() {
  return std::make_shared<const Bundle>(
      Bundle::Load(ReferenceFolder()).value());
}

// Compares the decisions that `engine` takes in the sessions of the cases.
template <typename Compare>
void ForEachDecision(const Bundle& bundle, const Engine& engine,
                     Compare compare) {
  int compared = 0;
  for (const ReferenceCase& c : ReferenceCases(bundle)) {
    const auto psi = engine.NewParameters();
    for (size_t t = 0; t < c.decisions.size(); ++t) {
      SCOPED_TRACE(c.name + ", decision " + std::to_string(t));
      Problem problem;
      problem.observation = c.decisions[t].observation;
      problem.parameters = psi.get();
      problem.seed = c.seed;
      problem.decision = t;
      problem.settings = c.settings;
      engine.Adapt(absl::MakeSpan(&problem, 1));
      ASSERT_TRUE(problem.decision_or.ok()) << problem.decision_or.status();
      const Report& report = problem.decision_or->report;
      EXPECT_EQ(OutcomeName(report.outcome), c.decisions[t].outcome);
      EXPECT_EQ(report.steps_done, c.decisions[t].steps_done);
      compare(c.decisions[t], *problem.decision_or);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 56);
}

class EngineReferenceTest : public ::testing::TestWithParam<EngineUnderTest> {};

INSTANTIATE_TEST_SUITE_P(Engines, EngineReferenceTest,
                         ::testing::ValuesIn(AllEngines()), NameOf);

// Tolerates ten times the gap between the reference's float64 and float32.
TEST_P(EngineReferenceTest, ActionsAreWithinTheGapOfFloat32) {
  const auto bundle = ReferenceBundle();
  const auto engine = GetParam().make(bundle, MonotonicNow);
  ForEachDecision(
      *bundle, *engine,
      [](const ReferenceDecision& expected, const Decision& decision) {
        const double tolerance =
            std::max(1e-5, 10 * expected.float32_action_gap);
        EXPECT_THAT(decision.action,
                    Pointwise(FloatNear(tolerance), Floats(expected.action)));
        EXPECT_NEAR(decision.report.action_change, expected.action_change,
                    tolerance);
        EXPECT_NEAR(decision.report.objective_before, expected.objective_before,
                    1e-5 * std::abs(expected.objective_before));
      });
}

// In double there is no such gap; only noise, step size and printed figures are
// rounded.
TEST(AutogradEngineReference, DoublePrecisionGivesTheSameFigures) {
  const auto bundle = ReferenceBundle();
  AutogradEngine::Options options;
  options.double_precision = true;
  const auto engine = AutogradEngine::Create(*bundle, options).value();
  ForEachDecision(
      *bundle, *engine,
      [](const ReferenceDecision& expected, const Decision& decision) {
        const Report& report = decision.report;
        EXPECT_THAT(decision.action,
                    Pointwise(FloatNear(2e-7f), Floats(expected.action)));
        EXPECT_NEAR(report.action_change, expected.action_change, 2e-7);
        EXPECT_NEAR(report.drift, expected.drift, 2e-7);
        EXPECT_NEAR(report.objective_before, expected.objective_before,
                    2e-7 * std::abs(expected.objective_before));
        EXPECT_NEAR(report.gradient_norm, expected.gradient_norm,
                    1e-5 * expected.gradient_norm);
      });
}

}  // namespace
}  // namespace foresight
