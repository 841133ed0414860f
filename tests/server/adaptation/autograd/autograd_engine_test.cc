#include "server/adaptation/autograd/autograd_engine.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/forward_oracle.h"
#include "tests/support/outcome_names.h"
#include "tests/support/random_bundle.h"

namespace foresight {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

using Options = AutogradEngine::Options;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::unique_ptr<AutogradEngine> MakeEngine(const Bundle& bundle,
                                           Options options = {}) {
  return AutogradEngine::Create(bundle, std::move(options)).value();
}

// Psi after a step of size 1 without a limit is psi + g.
class AutogradEngineTest : public ::testing::Test {
 protected:
  AutogradEngineTest()
      : bundle_(RandomBundle(Weights())),
        engine_(MakeEngine(bundle_)),
        psi_(engine_->NewParameters()),
        psi_0_(psi_->Export()) {}

  static RandomBundleOptions Weights() {
    RandomBundleOptions options;
    options.seed = 3;
    return options;
  }

  // Of three steps, without guards.
  Problem MakeProblem() const {
    Problem problem;
    problem.observation = observation_;
    problem.parameters = psi_.get();
    problem.seed = 42;
    problem.decision = 3;
    problem.settings.horizon = 4;
    problem.settings.particles = 5;
    problem.settings.steps = 3;
    problem.settings.step_size = 0.01f;
    problem.settings.max_gradient_norm = 0;
    return problem;
  }

  static const Report& Run(const Engine& engine, Problem& problem) {
    engine.Adapt(absl::MakeSpan(&problem, 1));
    EXPECT_TRUE(problem.decision_or.ok()) << problem.decision_or.status();
    return problem.decision_or->report;
  }
  const Report& Run(Problem& problem) { return Run(*engine_, problem); }

  void Restart() { ASSERT_TRUE(psi_->Import(psi_0_).ok()); }

  OracleResult Oracle(const Problem& problem, const std::vector<float>& psi,
                      NoiseBank bank = NoiseBank::kAdaptation) const {
    OracleCase c;
    c.psi.assign(psi.begin(), psi.end());
    c.state.assign(observation_.begin(), observation_.end());
    c.horizon = problem.settings.horizon;
    c.particles = problem.settings.particles;
    c.discount = problem.settings.discount;
    c.sampler_steps = problem.settings.sampler_steps;
    c.noise = {problem.seed, problem.decision, bank,
               problem.settings.noise_scale};
    return ForwardOracle(bundle_, c);
  }

  std::vector<float> PolicyOf(const std::vector<float>& psi) const {
    const std::vector<double> action = PlainPolicy(
        bundle_, std::vector<double>(psi.begin(), psi.end()),
        std::vector<double>(observation_.begin(), observation_.end()));
    return {action.begin(), action.end()};
  }

  const std::vector<float> observation_ = {0.3f, -1, 0.5f};
  const Bundle bundle_;
  const std::unique_ptr<AutogradEngine> engine_;
  const std::unique_ptr<PolicyParameters> psi_;
  const std::vector<float> psi_0_;
};

// float32 through some hundred operations on values of order 1.
const float kFloat32 = 2e-5f;

TEST_F(AutogradEngineTest, StepIsTheOraclesGradient) {
  Problem problem = MakeProblem();
  problem.settings.steps = 1;
  problem.settings.step_size = 0.5f;
  const OracleResult oracle = Oracle(problem, psi_0_);
  std::vector<float> expected = psi_0_;
  double squares = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] += 0.5 * oracle.gradient[i];
    squares += oracle.gradient[i] * oracle.gradient[i];
  }
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  EXPECT_NEAR(report.objective_before, oracle.objective, kFloat32);
  EXPECT_NEAR(report.gradient_norm, std::sqrt(squares), kFloat32);
  EXPECT_THAT(psi_->Export(), Pointwise(FloatNear(kFloat32), expected));
  EXPECT_THAT(problem.decision_or->action,
              Pointwise(FloatNear(kFloat32), PolicyOf(expected)));
}

TEST_F(AutogradEngineTest, EveryStepSeesTheSameNoise) {
  Problem problem = MakeProblem();
  std::vector<float> psi = psi_0_;
  for (int step = 0; step < 3; ++step) {
    const OracleResult oracle = Oracle(problem, psi);
    for (size_t i = 0; i < psi.size(); ++i) {
      psi[i] += 0.01 * oracle.gradient[i];
    }
  }
  Run(problem);
  EXPECT_THAT(psi_->Export(), Pointwise(FloatNear(kFloat32), psi));
}

TEST_F(AutogradEngineTest, MeanFlowRunsWithAnyNumberOfSamplerSteps) {
  RandomBundleOptions options;
  options.kind = DynamicsKind::kMeanFlow;
  options.members = 3;
  const Bundle bundle = RandomBundle(options);
  const auto engine = MakeEngine(bundle);
  for (const int steps : {1, 4, 64}) {
    const auto psi = engine->NewParameters();
    Problem problem = MakeProblem();
    problem.parameters = psi.get();
    problem.settings.steps = 1;
    problem.settings.sampler_steps = steps;
    OracleCase c;
    const std::vector<float> psi_0 = psi->Export();
    c.psi.assign(psi_0.begin(), psi_0.end());
    c.state.assign(observation_.begin(), observation_.end());
    c.horizon = 4;
    c.particles = 5;
    c.sampler_steps = steps;
    c.discount = problem.settings.discount;
    c.noise = {problem.seed, problem.decision};
    const OracleResult oracle = ForwardOracle(bundle, c);
    const Report& report = Run(*engine, problem);
    EXPECT_NEAR(report.objective_before, oracle.objective, kFloat32);
    std::vector<float> expected = psi_0;
    for (size_t i = 0; i < expected.size(); ++i) {
      expected[i] += 0.01 * oracle.gradient[i];
    }
    EXPECT_THAT(psi->Export(), Pointwise(FloatNear(kFloat32), expected));
  }
}

TEST_F(AutogradEngineTest, NoStepsGiveThePolicysAction) {
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

TEST_F(AutogradEngineTest, PersistCarriesThePolicyOn) {
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

TEST_F(AutogradEngineTest, ResetStartsFromAndLeavesThePretrainedPolicy) {
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

TEST_F(AutogradEngineTest, ObjectiveAfterIsTheFinalPolicys) {
  Problem problem = MakeProblem();
  problem.report_objective_after = true;
  const float after = Run(problem).objective_after.value();
  EXPECT_NEAR(after, Oracle(problem, psi_->Export()).objective, kFloat32);
  EXPECT_GT(after, problem.decision_or->report.objective_before);
}

TEST_F(AutogradEngineTest, NoiseScaleOfZeroMakesAllParticlesOne) {
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

// --- Guards --------------------------------------------------------------

TEST_F(AutogradEngineTest, GradientNormIsLimited) {
  Problem problem = MakeProblem();
  problem.settings.steps = 1;
  problem.settings.step_size = 0.5f;
  problem.settings.max_gradient_norm = 0.01f;
  const Report& report = Run(problem);
  EXPECT_GT(report.gradient_norm, 0.1f);
  EXPECT_NEAR(report.drift, 0.005f, 1e-7f);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
}

TEST_F(AutogradEngineTest, DriftIsLimited) {
  Problem problem = MakeProblem();
  problem.settings.max_drift = 0.002f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kLimited);
  EXPECT_NEAR(report.drift, 0.002f, 1e-7f);
}

TEST_F(AutogradEngineTest, ActionChangeIsLimited) {
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

TEST_F(AutogradEngineTest, ActionChangeThatNothingLimitsIsUndone) {
  Problem problem = MakeProblem();
  problem.settings.step_size = 1;
  problem.settings.max_action_change = 1e-9f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kRejected);
  EXPECT_EQ(report.steps_done, 3);
  EXPECT_EQ(report.drift, 0);
  EXPECT_EQ(psi_->Export(), psi_0_);
}

// Which decisions are accepted is what the oracle says of the second bank.
TEST_F(AutogradEngineTest, OnlyImprovementOfTheSecondBankIsAccepted) {
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

TEST_F(AutogradEngineTest, EqualObjectiveIsAccepted) {
  Problem problem = MakeProblem();
  problem.settings.accept_only_improvement = true;
  problem.settings.step_size = 0;
  EXPECT_EQ(Run(problem).outcome, Outcome::kAdapted);
}

TEST_F(AutogradEngineTest, StepThatIsNotFiniteLeavesThePolicy) {
  Problem problem = MakeProblem();
  problem.settings.step_size = 3e38f;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_LT(report.steps_done, 3);
  for (const float value : psi_->Export()) EXPECT_TRUE(std::isfinite(value));
  EXPECT_THAT(problem.decision_or->action, Each(FloatNear(0, 1)));
}

TEST_F(AutogradEngineTest, ObjectiveThatIsNotFiniteIsRefused) {
  const std::vector<float> far = {1e25f, -1e25f, 1e25f};
  Problem problem = MakeProblem();
  problem.observation = far;
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_EQ(psi_->Export(), psi_0_);
}

// --- Observations and parameters -----------------------------------------

TEST_F(AutogradEngineTest, ObservationsThatCannotBeAnsweredAreRefused) {
  const std::vector<std::pair<std::vector<float>, std::string>> cases = {
      {{3e38f, 3e38f, -3e38f}, "too large"},
      {{1, 2}, "observation has 2 values, expected 3"},
      {{1, 2, 3, 4}, "observation has 4 values, expected 3"},
      {{1, kInfinity, 3}, "observation[1] is inf"}};
  for (const auto& [observation, message] : cases) {
    Problem problem = MakeProblem();
    problem.observation = observation;
    engine_->Adapt(absl::MakeSpan(&problem, 1));
    const absl::Status status = problem.decision_or.status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_EQ(psi_->Export(), psi_0_);
  }
}

TEST_F(AutogradEngineTest, ParametersOfAnotherEngineAreRefused) {
  RandomBundleOptions options;
  options.policy.hidden = {9};
  const auto other = MakeEngine(RandomBundle(options))->NewParameters();
  for (PolicyParameters* parameters :
       {other.get(), (PolicyParameters*)nullptr}) {
    Problem problem = MakeProblem();
    problem.parameters = parameters;
    engine_->Adapt(absl::MakeSpan(&problem, 1));
    EXPECT_EQ(problem.decision_or.status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(AutogradEngineTest, ParametersAreTheBundlesAndKnowTheirSize) {
  const std::vector<double> expected =
      PlainParameters<double>(bundle_.policy());
  EXPECT_EQ(std::vector<double>(psi_0_.begin(), psi_0_.end()), expected);
  EXPECT_EQ(engine_->sizeof_parameters(), 4 * expected.size());
}

// What LibTorch or the standard library throws ends as a status.
TEST_F(AutogradEngineTest, ExceptionsBecomeStatuses) {
  RandomBundleOptions options;
  options.kind = DynamicsKind::kMeanFlow;
  const auto engine = MakeEngine(RandomBundle(options));
  const auto psi = engine->NewParameters();
  Problem problem = MakeProblem();
  problem.parameters = psi.get();
  problem.settings.sampler_steps = 65;  // No such sampler.
  engine->Adapt(absl::MakeSpan(&problem, 1));
  EXPECT_EQ(problem.decision_or.status().code(), absl::StatusCode::kInternal);
}

// --- Deadlines and cancelling --------------------------------------------

// A clock that stands still until it is read for the n-th time and has then
// passed the deadline. As an engine reads it between blocks of work, every n
// stops it somewhere else.
class DeadlineTest : public AutogradEngineTest {
 protected:
  // Answers of engines that do 0..3 steps in peace.
  DeadlineTest() {
    for (int steps = 0; steps <= 3; ++steps) {
      Restart();
      Problem problem = MakeProblem();
      problem.settings.steps = steps;
      Run(problem);
      psi_after_.push_back(psi_->Export());
    }
    Options options;
    options.clock = [this] {
      if (++reads_ == strike_) at_strike_();
      return now_;
    };
    timed_ = MakeEngine(bundle_, options);
  }

  absl::Time now_ = absl::UnixEpoch();
  int reads_ = 0;
  int strike_ = 0;
  std::function<void()> at_strike_;
  std::vector<std::vector<float>> psi_after_;
  std::unique_ptr<AutogradEngine> timed_;
};

TEST_F(DeadlineTest, ComesAtAnyTimeAndLeavesTheStepsDoneSoFar) {
  std::vector<int> cuts(4);
  const absl::Time deadline = now_ + absl::Seconds(1);
  at_strike_ = [&] { now_ = deadline; };
  for (strike_ = 1;; ++strike_) {
    Restart();
    now_ = absl::UnixEpoch();
    reads_ = 0;
    Problem problem = MakeProblem();
    problem.deadline = deadline;
    const Report& report = Run(*timed_, problem);
    EXPECT_EQ(psi_->Export(), psi_after_[report.steps_done]);
    if (reads_ < strike_) break;  // It never came.
    ++cuts[report.steps_done];
    EXPECT_EQ(report.outcome, report.steps_done == 0   ? Outcome::kFrozen
                              : report.steps_done == 3 ? Outcome::kAdapted
                                                       : Outcome::kTruncated);
  }
  // Each step of four transitions is looked at at its beginning and end,
  // before and after each transition on the way there and on the way back:
  // at least 10 places, in which it is dropped.
  for (int steps = 0; steps < 3; ++steps) EXPECT_GE(cuts[steps], 10);
}

TEST_F(DeadlineTest, CancellingAtAnyTimeLeavesThePolicyToTheBit) {
  for (const Mode mode : {Mode::kPersist, Mode::kReset}) {
    for (strike_ = 1;; ++strike_) {
      ASSERT_TRUE(psi_->Import(psi_after_[2]).ok());
      reads_ = 0;
      std::atomic<bool> cancelled = false;
      at_strike_ = [&] { cancelled = true; };
      Problem problem = MakeProblem();
      problem.settings.mode = mode;
      problem.settings.accept_only_improvement = true;
      problem.report_objective_after = true;
      problem.deadline = now_ + absl::Seconds(1);
      problem.cancelled = &cancelled;
      timed_->Adapt(absl::MakeSpan(&problem, 1));
      if (reads_ < strike_) break;
      EXPECT_EQ(problem.decision_or.status().code(),
                absl::StatusCode::kCancelled);
      EXPECT_EQ(psi_->Export(), psi_after_[2]);
      EXPECT_LE(reads_, strike_ + 3);  // Work stops where it is seen.
    }
    EXPECT_GT(strike_, 30);
  }
}

TEST_F(DeadlineTest, DeadlineInThePastStillGivesTheCurrentAction) {
  Problem problem = MakeProblem();
  ASSERT_TRUE(psi_->Import(psi_after_[2]).ok());
  problem.deadline = absl::InfinitePast();
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(psi_->Export(), psi_after_[2]);
  EXPECT_THAT(problem.decision_or->action,
              Pointwise(FloatNear(1e-6f), PolicyOf(psi_after_[2])));
}

// --- Independence ---------------------------------------------------------

// Four sessions with different seeds, states and settings, some alike.
class BatchTest : public AutogradEngineTest {
 protected:
  struct Session {
    std::unique_ptr<PolicyParameters> psi;
    std::vector<float> observation;
    Problem problem;
  };

  std::vector<Session> MakeSessions(const Engine& engine) const {
    std::vector<Session> sessions;
    for (int i = 0; i < 4; ++i) {
      Session session{engine.NewParameters(), {0.1f * i, 1.0f - i, 0.5f}, {}};
      session.problem = MakeProblem();
      session.problem.parameters = session.psi.get();
      session.problem.seed = i;
      session.problem.decision = 10 * i;
      session.problem.settings.steps = 1 + i % 3;
      session.problem.settings.noise_scale = 0.5f + 0.25f * i;
      session.problem.settings.step_size = 0.02f * (1 + i);
      session.problem.settings.accept_only_improvement = i == 1;
      session.problem.settings.max_drift = i == 2 ? 0.01f : 0;
      session.problem.report_objective_after = i == 3;
      if (i == 0) session.problem.settings.mode = Mode::kReset;
      sessions.push_back(std::move(session));
      sessions.back().problem.observation = sessions.back().observation;
    }
    return sessions;
  }

  static std::vector<Problem> Problems(const std::vector<Session>& sessions) {
    std::vector<Problem> problems;
    for (const Session& session : sessions) {
      problems.push_back(session.problem);
      problems.back().observation = session.observation;
    }
    return problems;
  }

  static void ExpectSame(const Problem& a, const Problem& b, float tolerance) {
    ASSERT_EQ(a.decision_or.status(), b.decision_or.status());
    if (!a.decision_or.ok()) return;
    const Report& left = a.decision_or->report;
    const Report& right = b.decision_or->report;
    EXPECT_EQ(left.outcome, right.outcome);
    EXPECT_EQ(left.steps_done, right.steps_done);
    EXPECT_NEAR(left.objective_before, right.objective_before, tolerance);
    EXPECT_NEAR(left.gradient_norm, right.gradient_norm, tolerance);
    EXPECT_NEAR(left.drift, right.drift, tolerance);
    EXPECT_NEAR(left.action_change, right.action_change, tolerance);
    EXPECT_EQ(left.objective_after.has_value(),
              right.objective_after.has_value());
    EXPECT_THAT(a.decision_or->action,
                Pointwise(FloatNear(tolerance), b.decision_or->action));
    EXPECT_THAT(a.parameters->Export(),
                Pointwise(FloatNear(tolerance), b.parameters->Export()));
  }
};

TEST_F(BatchTest, ProblemsOfACallAreWhatTheyAreAlone) {
  for (const int max_batch : {1, 3, 4}) {
    Options options;
    options.max_batch = max_batch;
    const auto engine = MakeEngine(bundle_, options);
    std::vector<Session> sessions = MakeSessions(*engine);
    std::vector<Problem> together = Problems(sessions);
    engine->Adapt(absl::MakeSpan(together));
    std::vector<Session> again = MakeSessions(*engine);
    for (size_t i = 0; i < again.size(); ++i) {
      std::vector<Problem> alone = Problems(again);
      engine->Adapt(absl::MakeSpan(&alone[i], 1));
      // To the bit where they are computed one by one; else other kernels may
      // round otherwise.
      ExpectSame(together[i], alone[i], max_batch == 1 ? 0 : kFloat32);
    }
  }
}

TEST_F(BatchTest, ProblemThatFailsLeavesTheOthersAlone) {
  Options options;
  options.max_batch = 4;
  const auto engine = MakeEngine(bundle_, options);
  std::vector<Session> sessions = MakeSessions(*engine);
  std::vector<Session> reference = MakeSessions(*engine);
  std::vector<Problem> problems = Problems(sessions);
  std::vector<Problem> expected = Problems(reference);
  engine->Adapt(absl::MakeSpan(expected));

  const std::atomic<bool> cancelled = true;
  problems[1].cancelled = &cancelled;
  const std::vector<float> huge = {3e38f, 3e38f, -3e38f};
  problems[2].observation = huge;
  engine->Adapt(absl::MakeSpan(problems));
  EXPECT_EQ(problems[1].decision_or.status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(problems[1].parameters->Export(), psi_0_);
  EXPECT_EQ(problems[2].decision_or.status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(problems[2].parameters->Export(), psi_0_);
  ExpectSame(problems[0], expected[0], kFloat32);
  ExpectSame(problems[3], expected[3], kFloat32);
}

// Another gradient that is not finite must not spread through the batch.
TEST_F(BatchTest, NonFiniteProblemDoesNotSpread) {
  Options options;
  options.max_batch = 4;
  const auto engine = MakeEngine(bundle_, options);
  std::vector<Session> sessions = MakeSessions(*engine);
  std::vector<Session> reference = MakeSessions(*engine);
  std::vector<Problem> problems = Problems(sessions);
  std::vector<Problem> expected = Problems(reference);
  engine->Adapt(absl::MakeSpan(expected));
  const std::vector<float> far = {1e25f, -1e25f, 1e25f};
  problems[2].observation = far;
  engine->Adapt(absl::MakeSpan(problems));
  EXPECT_EQ(problems[2].decision_or->report.outcome, Outcome::kNonFinite);
  for (const int i : {0, 1, 3}) {
    ExpectSame(problems[i], expected[i], kFloat32);
  }
}

TEST_F(BatchTest, NoProblemsAreNoWork) { engine_->Adapt({}); }

TEST_F(AutogradEngineTest, BlocksOfParticlesDoNotChangeTheResult) {
  RandomBundleOptions random;
  random.members = 3;
  const Bundle bundle = RandomBundle(random);
  std::vector<std::vector<float>> results;
  std::vector<float> objectives;
  for (const int64_t rows : {0, 3, 7, 31}) {
    Options options;
    options.max_rows = rows;
    const auto engine = MakeEngine(bundle, options);
    const auto psi = engine->NewParameters();
    Problem problem = MakeProblem();
    problem.parameters = psi.get();
    problem.settings.particles = 40;
    problem.settings.accept_only_improvement = true;
    objectives.push_back(Run(*engine, problem).objective_before);
    results.push_back(psi->Export());
  }
  for (size_t i = 1; i < results.size(); ++i) {
    EXPECT_NEAR(objectives[i], objectives[0], kFloat32);
    EXPECT_THAT(results[i], Pointwise(FloatNear(kFloat32), results[0]));
  }
}

// Wide enough for LibTorch to share the work out among its threads.
TEST_F(AutogradEngineTest, ThreadsDoNotChangeTheResult) {
  RandomBundleOptions random;
  random.policy.hidden = random.critic.hidden = {256, 256};
  random.reward.hidden = random.dynamics.hidden = {256, 256};
  const auto engine = MakeEngine(RandomBundle(random));
  const int before = at::get_num_threads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const int particles : {10, 400}) {
      const auto psi = engine->NewParameters();
      Problem problem = MakeProblem();
      problem.parameters = psi.get();
      problem.settings.particles = particles;
      Run(*engine, problem);
      results.push_back(psi->Export());
    }
  }
  at::set_num_threads(before);
  EXPECT_EQ(results[0], results[2]);
  EXPECT_EQ(results[1], results[3]);
}

TEST_F(AutogradEngineTest, CallsAtTheSameTimeAreWhatTheyAreAlone) {
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

// --- Devices ----------------------------------------------------------------

TEST(AutogradEngineDevice, UnknownOnesAreRefusedByName) {
  const Bundle bundle = RandomBundle();
  for (const std::string device :
       {"tpu", "", "cuda:", "cuda:x", "cuda:-1", "cuda0", "cpu:0"}) {
    Options options;
    options.device = device;
    const absl::Status status =
        AutogradEngine::Create(bundle, options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << device;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("device is \"" + device + "\", expected cpu"));
  }
}

TEST(AutogradEngineDevice, OneThatThisMachineLacksIsUnavailableByName) {
  Options options;
  options.device = "cuda:99";  // Nobody has as many.
  const absl::Status status =
      AutogradEngine::Create(RandomBundle(), options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cuda:99 is unavailable: "));
}

TEST(AutogradEngineDevice, OptionsOutOfRangeAreRefused) {
  Options options;
  options.max_batch = -1;
  EXPECT_EQ(AutogradEngine::Create(RandomBundle(), options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AutogradEngineDevice, IsSaid) {
  const auto engine = MakeEngine(RandomBundle());
  EXPECT_EQ(engine->name(), "autograd");
  EXPECT_EQ(engine->device(), "cpu");
}

}  // namespace
}  // namespace foresight
