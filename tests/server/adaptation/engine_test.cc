#include "server/adaptation/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_test.h"

namespace foresight {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest, ::testing::ValuesIn(AllEngines()),
                         NameOf);

TEST_P(EngineTest, StepIsTheOraclesGradient) {
  Problem problem = MakeProblem();
  problem.settings.steps = 1;
  problem.settings.step_size = 0.5f;
  const OracleResult oracle = Oracle(problem, psi_0_);
  const std::vector<float> expected = Ascended(psi_0_, 0.5, oracle);
  double squares = 0;
  for (const double slope : oracle.gradient) squares += slope * slope;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  EXPECT_NEAR(report.objective_before, oracle.objective, kFloat32);
  EXPECT_NEAR(report.gradient_norm, std::sqrt(squares), kFloat32);
  EXPECT_THAT(psi_->Export(), Pointwise(FloatNear(kFloat32), expected));
  EXPECT_THAT(problem.decision_or->action,
              Pointwise(FloatNear(kFloat32), PolicyOf(expected)));
}

TEST_P(EngineTest, EveryStepSeesTheSameNoise) {
  Problem problem = MakeProblem();
  std::vector<float> psi = psi_0_;
  for (int step = 0; step < 3; ++step) {
    psi = Ascended(psi, 0.01, Oracle(problem, psi));
  }
  Run(problem);
  EXPECT_THAT(psi_->Export(), Pointwise(FloatNear(kFloat32), psi));
}

class EngineMeanFlowTest : public EngineTest {
 protected:
  EngineMeanFlowTest() : EngineTest(MeanFlow()) {}
  static RandomBundleOptions MeanFlow() {
    RandomBundleOptions options;
    options.kind = DynamicsKind::kMeanFlow;
    options.members = 3;
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, EngineMeanFlowTest,
                         ::testing::ValuesIn(AllEngines()), NameOf);

TEST_P(EngineMeanFlowTest, RunsWithAnyNumberOfSamplerSteps) {
  for (const int steps : {1, 4, 64}) {
    Restart();
    Problem problem = MakeProblem();
    problem.settings.steps = 1;
    problem.settings.sampler_steps = steps;
    const OracleResult oracle = Oracle(problem, psi_0_);
    EXPECT_NEAR(Run(problem).objective_before, oracle.objective, kFloat32);
    EXPECT_THAT(psi_->Export(),
                Pointwise(FloatNear(kFloat32), Ascended(psi_0_, 0.01, oracle)));
  }
}

TEST_P(EngineTest, NoStepsGiveThePolicysAction) {
  Problem problem = MakeProblem();
  problem.settings.steps = 0;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(report.drift, 0);
  EXPECT_EQ(report.action_change, 0);
  EXPECT_EQ(psi_->Export(), psi_0_);
  EXPECT_THAT(problem.decision_or->action,
              Pointwise(FloatNear(1e-6f), PolicyOf(psi_0_)));
}

TEST_P(EngineTest, PersistCarriesThePolicyOn) {
  Problem first = MakeProblem();
  Run(first);
  const std::vector<float> carried = psi_->Export();
  EXPECT_NE(carried, psi_0_);
  Problem second = MakeProblem();
  second.decision = 4;
  const Report& report = Run(second);
  EXPECT_NEAR(report.objective_before, Oracle(second, carried).objective,
              kFloat32);
}

TEST_P(EngineTest, ResetStartsFromAndLeavesThePretrainedPolicy) {
  Problem persist = MakeProblem();
  Run(persist);
  Problem reset = MakeProblem();
  reset.settings.mode = Mode::kReset;
  const Report& report = Run(reset);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  EXPECT_GT(report.drift, 0);
  EXPECT_EQ(reset.decision_or->action, persist.decision_or->action);
  EXPECT_EQ(psi_->Export(), psi_0_);
}

TEST_P(EngineTest, ObjectiveAfterIsTheFinalPolicys) {
  Problem problem = MakeProblem();
  problem.report_objective_after = true;
  const float after = Run(problem).objective_after.value();
  EXPECT_NEAR(after, Oracle(problem, psi_->Export()).objective, kFloat32);
  EXPECT_GT(after, problem.decision_or->report.objective_before);
}

TEST_P(EngineTest, NoiseScaleOfZeroMakesAllParticlesOne) {
  Problem many = MakeProblem(), one = MakeProblem();
  many.settings.noise_scale = one.settings.noise_scale = 0;
  one.settings.particles = 1;
  many.settings.steps = one.settings.steps = 1;
  const float of_many = Run(many).objective_before;
  const std::vector<float> adapted = psi_->Export();
  Restart();
  EXPECT_NEAR(Run(one).objective_before, of_many, kFloat32);
  EXPECT_THAT(psi_->Export(), Pointwise(FloatNear(kFloat32), adapted));
}

// --- Guards ---------------------------------------------------------------

TEST_P(EngineTest, GradientNormIsLimited) {
  Problem problem = MakeProblem();
  problem.settings.steps = 1;
  problem.settings.step_size = 0.5f;
  problem.settings.max_gradient_norm = 0.01f;
  const Report& report = Run(problem);
  EXPECT_GT(report.gradient_norm, 0.1f);
  EXPECT_NEAR(report.drift, 0.005f, 1e-7f);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
}

TEST_P(EngineTest, AnActionStepReplacesTheStepSize) {
  Problem problem = MakeProblem();
  problem.settings.steps = 2;
  problem.settings.action_step = 0.1f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  // tanh flattens the output's change, and the two steps may have different
  // directions.
  EXPECT_LE(report.action_change, 0.1f * 1.05f);
  EXPECT_GT(report.action_change, 0);
  const std::vector<float> once = psi_->Export();
  Restart();
  problem.settings.step_size = 7;
  problem.settings.max_gradient_norm = 1e-6f;
  Run(problem);
  EXPECT_EQ(psi_->Export(), once);
}

TEST_P(EngineTest, DriftIsLimited) {
  Problem problem = MakeProblem();
  problem.settings.max_drift = 0.002f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kLimited);
  EXPECT_NEAR(report.drift, 0.002f, 1e-7f);
}

TEST_P(EngineTest, ActionChangeIsLimited) {
  Problem problem = MakeProblem();
  problem.settings.step_size = 1;
  Run(problem);
  const float unlimited = problem.decision_or->report.action_change;
  Restart();
  problem.settings.max_action_change = unlimited / 8;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kLimited);
  EXPECT_LE(report.action_change, unlimited / 8);
  EXPECT_GT(report.action_change, 0);
}

TEST_P(EngineTest, AnActionChangeThatHalvingCannotLimitIsUndone) {
  Problem problem = MakeProblem();
  problem.settings.step_size = 1;
  problem.settings.max_action_change = 1e-9f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kRejected);
  EXPECT_EQ(report.steps_done, 3);
  EXPECT_EQ(report.drift, 0);
  EXPECT_EQ(psi_->Export(), psi_0_);
}

// Compares bits: -0 must come back as -0, not as the 0 that -0 + 0 gives.
TEST_P(EngineTest, UndoneUpdateLeavesThePolicyToTheBit) {
  std::vector<float> start = psi_0_;
  for (size_t i = 0; i < start.size(); i += 3) start[i] = -0.0f;
  ASSERT_TRUE(psi_->Import(start).ok());
  Problem problem = MakeProblem();
  problem.settings.step_size = 1;
  problem.settings.max_action_change = 1e-9f;
  EXPECT_EQ(Run(problem).outcome, Outcome::kRejected);
  const std::vector<float> after = psi_->Export();
  for (size_t i = 0; i < start.size(); ++i) {
    EXPECT_EQ(after[i], start[i]);
    EXPECT_EQ(std::signbit(after[i]), std::signbit(start[i]));
  }
}

// The oracle's J with the second bank decides which decisions are accepted.
TEST_P(EngineTest, OnlyImprovementOfTheSecondBankIsAccepted) {
  int accepted = 0, rejected = 0;
  for (uint64_t decision = 0; decision < 12; ++decision) {
    Restart();
    Problem problem = MakeProblem();
    problem.decision = decision;
    problem.settings.steps = 1;
    problem.settings.particles = 1;
    problem.settings.noise_scale = 2;
    problem.settings.step_size = 0.2f;
    Run(problem);
    const double change =
        Oracle(problem, psi_->Export(), NoiseBank::kAcceptance).objective -
        Oracle(problem, psi_0_, NoiseBank::kAcceptance).objective;
    if (std::abs(change) < kFloat32) continue;
    Restart();
    problem.settings.accept_only_improvement = true;
    const Outcome outcome = Run(problem).outcome;
    EXPECT_EQ(outcome, change > 0 ? Outcome::kAdapted : Outcome::kRejected);
    EXPECT_EQ(psi_->Export() == psi_0_, outcome == Outcome::kRejected);
    ++(change > 0 ? accepted : rejected);
  }
  EXPECT_GT(accepted, 0);
  EXPECT_GT(rejected, 0);
}

TEST_P(EngineTest, EqualObjectiveIsAccepted) {
  Problem problem = MakeProblem();
  problem.settings.accept_only_improvement = true;
  problem.settings.step_size = 0;
  EXPECT_EQ(Run(problem).outcome, Outcome::kAdapted);
}

TEST_P(EngineTest, StepThatIsNotFiniteLeavesThePolicy) {
  Problem problem = MakeProblem();
  problem.settings.step_size = 3e38f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_LT(report.steps_done, 3);
  for (const float value : psi_->Export()) EXPECT_TRUE(std::isfinite(value));
  EXPECT_THAT(problem.decision_or->action, Each(FloatNear(0, 1)));
}

// The sum of four rewards of 3e38 is not finite in float; everything else is
// finite.
TEST_P(EngineTest, ObjectiveThatIsNotFiniteIsRefused) {
  v1::Bundle manifest = RandomManifest(Weights());
  TensorMap tensors = RandomTensors(manifest, 3);
  tensors.at("reward.output.mean").values = {3e38f};
  const auto bundle =
      std::make_shared<const Bundle>(Bundle::Create(manifest, tensors).value());
  const auto engine = GetParam().make(bundle, MonotonicNow);
  const auto psi = engine->NewParameters();
  Problem problem = MakeProblem();
  problem.parameters = psi.get();
  problem.report_objective_after = true;
  const Report& report = Run(*engine, problem);
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_FALSE(report.objective_after.has_value());
  EXPECT_EQ(psi->Export(), psi_0_);
  EXPECT_THAT(problem.decision_or->action,
              Pointwise(FloatNear(1e-6f), PolicyOf(psi_0_)));
}

// --- Observations, parameters, threads -------------------------------------

TEST_P(EngineTest, ObservationTooLargeForAnActionIsRefused) {
  const std::vector<float> huge = {3e38f, 3e38f, -3e38f};
  Problem problem = MakeProblem();
  problem.observation = huge;
  engine_->Adapt(absl::MakeSpan(&problem, 1));
  const absl::Status status = problem.decision_or.status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("too large"));
  EXPECT_EQ(psi_->Export(), psi_0_);
}

TEST_P(EngineTest, ParametersAreTheBundlesAndKnowTheirSize) {
  const std::vector<double> expected =
      PlainParameters<double>(bundle_->policy());
  EXPECT_EQ(std::vector<double>(psi_0_.begin(), psi_0_.end()), expected);
  EXPECT_GE(engine_->sizeof_parameters(), 4 * expected.size());
}

TEST_P(EngineTest, ParametersShareTheModelsPsiUntilTheyAreChanged) {
  const size_t whole = sizeof(float) * psi_0_.size();
  const auto psi = engine_->NewParameters();
  EXPECT_EQ(psi->owned_bytes(), 0);
  EXPECT_EQ(psi->Clone()->owned_bytes(), 0);
  Problem problem = MakeProblem();
  problem.parameters = psi.get();
  problem.settings.mode = Mode::kReset;
  Run(problem);
  EXPECT_EQ(psi->owned_bytes(), 0);
  problem.settings.mode = Mode::kPersist;
  problem.settings.steps = 0;
  Run(problem);
  EXPECT_EQ(psi->owned_bytes(), 0);
  problem.settings.steps = 1;
  Run(problem);
  EXPECT_GE(psi->owned_bytes(), whole);
  EXPECT_LE(psi->owned_bytes(), engine_->sizeof_parameters());
  EXPECT_EQ(engine_->NewParameters()->Export(), psi_0_);
  const auto clone = psi->Clone();
  EXPECT_GE(clone->owned_bytes(), whole);
  EXPECT_EQ(clone->Export(), psi->Export());
  const std::vector<float> adapted = psi->Export();
  problem.settings.mode = Mode::kReset;
  Run(problem);
  EXPECT_EQ(psi->owned_bytes(), 0);
  EXPECT_EQ(psi->Export(), psi_0_);
  EXPECT_EQ(clone->Export(), adapted);
  ASSERT_TRUE(psi->Import(adapted).ok());
  EXPECT_GE(psi->owned_bytes(), whole);
  EXPECT_EQ(engine_->NewParameters()->Export(), psi_0_);
}

TEST_P(EngineTest, ConcurrentCallsHaveTheResultsTheyHaveAlone) {
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      const auto psi = engine_->NewParameters();
      Problem problem = MakeProblem();
      problem.parameters = psi.get();
      engine_->Adapt(absl::MakeSpan(&problem, 1));
      results[t] = psi->Export();
    });
  }
  for (std::thread& thread : threads) thread.join();
  Problem problem = MakeProblem();
  Run(problem);
  EXPECT_THAT(results, Each(psi_->Export()));
}

}  // namespace
}  // namespace foresight
