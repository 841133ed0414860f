#include "server/adaptation/autograd/autograd_engine.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "tests/support/engine_session.h"

namespace foresight {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

using Options = AutogradEngine::Options;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::unique_ptr<AutogradEngine> MakeEngine(const Bundle& bundle,
                                           Options options = {}) {
  return AutogradEngine::Create(bundle, std::move(options)).value();
}

// Behaviour that engine_test.cc does not require of every engine.
class AutogradEngineTest : public ::testing::Test, protected EngineSession {
 protected:
  using EngineSession::Run;  // Not testing::Test's.

  AutogradEngineTest()
      : AutogradEngineTest(std::make_shared<const Bundle>(RandomBundle())) {}

 private:
  explicit AutogradEngineTest(const std::shared_ptr<const Bundle>& bundle)
      : EngineSession(bundle, MakeEngine(*bundle)) {}
};

TEST_F(AutogradEngineTest, ObservationsThatDoNotFitAreRefused) {
  const std::vector<std::pair<std::vector<float>, std::string>> cases = {
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
  Options precise;
  precise.double_precision = true;
  const auto doubles = MakeEngine(*bundle_, precise)->NewParameters();
  for (PolicyParameters* parameters :
       std::vector<PolicyParameters*>{other.get(), doubles.get(), nullptr}) {
    Problem problem = MakeProblem();
    problem.parameters = parameters;
    engine_->Adapt(absl::MakeSpan(&problem, 1));
    EXPECT_EQ(problem.decision_or.status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(AutogradEngineTest, SizeofParametersGoesByThePrecision) {
  EXPECT_EQ(engine_->sizeof_parameters(), 4 * psi_0_.size());
  Options options;
  options.double_precision = true;
  EXPECT_EQ(MakeEngine(*bundle_, options)->sizeof_parameters(),
            8 * psi_0_.size());
}

// Exceptions of LibTorch and the standard library become statuses.
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

// Four sessions, whose seeds, states and settings differ in part.
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

TEST_F(BatchTest, ProblemsOfACallHaveTheResultsTheyHaveAlone) {
  for (const int max_batch : {1, 3, 4}) {
    Options options;
    options.max_batch = max_batch;
    const auto engine = MakeEngine(*bundle_, options);
    std::vector<Session> sessions = MakeSessions(*engine);
    std::vector<Problem> together = Problems(sessions);
    engine->Adapt(absl::MakeSpan(together));
    std::vector<Session> again = MakeSessions(*engine);
    for (size_t i = 0; i < again.size(); ++i) {
      std::vector<Problem> alone = Problems(again);
      engine->Adapt(absl::MakeSpan(&alone[i], 1));
      // Equal to the bit if they are computed one by one; otherwise other
      // kernels may round differently.
      ExpectSame(together[i], alone[i], max_batch == 1 ? 0 : kFloat32);
    }
  }
}

TEST_F(BatchTest, ProblemThatFailsLeavesTheOthersAlone) {
  Options options;
  options.max_batch = 4;
  const auto engine = MakeEngine(*bundle_, options);
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

// A gradient that is not finite must not spread to the batch's other problems.
TEST_F(BatchTest, NonFiniteProblemDoesNotSpread) {
  Options options;
  options.max_batch = 4;
  const auto engine = MakeEngine(*bundle_, options);
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

// Wide enough for LibTorch to split the work over its threads.
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

TEST(AutogradEngineDevice, AMissingDeviceIsUnavailableByName) {
  Options options;
  options.device = "cuda:99";  // No machine has so many GPUs.
  const absl::Status status =
      AutogradEngine::Create(RandomBundle(), options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cuda:99 is unavailable: "));
}

// If there is a GPU, engine_test.cc and the tests beside it run on it as well.
TEST_F(BatchTest, TheGpuAgreesWithTheCpu) {
  Options options;
  options.device = "cuda:0";
  const auto gpu = AutogradEngine::Create(*bundle_, options);
  if (!gpu.ok()) GTEST_SKIP() << gpu.status();
  std::vector<Session> sessions = MakeSessions(**gpu);
  std::vector<Problem> problems = Problems(sessions);
  (*gpu)->Adapt(absl::MakeSpan(problems));
  std::vector<Session> reference = MakeSessions(*engine_);
  std::vector<Problem> expected = Problems(reference);
  engine_->Adapt(absl::MakeSpan(expected));
  for (size_t i = 0; i < problems.size(); ++i) {
    ExpectSame(problems[i], expected[i], kFloat32);
  }
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
