// Whole decisions: the engine's guarantees beyond the arithmetic, which
// fused_policies_test checks.
#include "server/adaptation/fused/fused_engine.h"

#include <malloc.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/bundle/random_bundle.h"
#include "tests/support/reference_rollout.h"
#include "tests/support/thread_per_lane.h"

namespace {
std::atomic<long> allocations{0};
std::atomic<long> bytes_in_use{0};

void* Count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  bytes_in_use += malloc_usable_size(memory);
  return memory;
}
void Free(void* memory) {
  bytes_in_use -= malloc_usable_size(memory);
  std::free(memory);
}
}  // namespace

// Counts every allocation of this program. Not inlined; otherwise the compiler
// would warn that free() does not match operator new.
#define COUNTED __attribute__((noinline))
COUNTED void* operator new(size_t size) { return Count(std::malloc(size)); }
COUNTED void* operator new(size_t size, std::align_val_t alignment) {
  const size_t unit = static_cast<size_t>(alignment);
  return Count(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}
COUNTED void operator delete(void* memory) noexcept { Free(memory); }
COUNTED void operator delete(void* memory, size_t) noexcept { Free(memory); }
COUNTED void operator delete(void* memory, std::align_val_t) noexcept {
  Free(memory);
}
COUNTED void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace foresight {
namespace {

using testing::ElementsAreArray;

RandomBundleOptions Options(DynamicsKind kind = DynamicsKind::kDiffusion) {
  RandomBundleOptions options;
  options.observation_size = 11;
  options.action_size = 3;
  options.policy.hidden = {40, 24};
  options.kind = kind;
  return options;
}

// Larger than an EngineSession: its sizes fill tiles in full and in part.
class FusedEngineTest : public testing::Test {
 protected:
  explicit FusedEngineTest(RandomBundleOptions options = Options())
      : bundle_(std::make_shared<const Bundle>(RandomBundle(options))),
        engine_(FusedEngine::Create(bundle_, {}).value()),
        parameters_(engine_->NewParameters()) {
    std::mt19937_64 random(9);
    std::normal_distribution<float> normal;
    for (int i = 0; i < options.observation_size; ++i) {
      observation_.push_back(normal(random));
    }
    problem_.observation = observation_;
    problem_.parameters = parameters_.get();
    problem_.seed = 42;
    problem_.settings.step_size = 1e-2f;
    problem_.settings.steps = 2;
    problem_.settings.sampler_steps = options.sampler_steps;
  }

  Decision Adapt() {
    engine_->Adapt({&problem_, 1});
    EXPECT_TRUE(problem_.decision_or.ok()) << problem_.decision_or.status();
    return *problem_.decision_or;
  }

  const std::shared_ptr<const Bundle> bundle_;
  const std::unique_ptr<Engine> engine_;
  const std::unique_ptr<PolicyParameters> parameters_;
  std::vector<float> observation_;
  Problem problem_;
};

TEST_F(FusedEngineTest, AStepIsPlainGradientAscentOnThePolicy) {
  problem_.settings.steps = 1;
  problem_.settings.max_gradient_norm = 0;
  const std::vector<float> before = parameters_->Export();
  const Decision decision = Adapt();
  const std::vector<float> after = parameters_->Export();
  EXPECT_EQ(decision.report.outcome, Outcome::kAdapted);
  // The step's direction is the gradient, along which the slope is |g|.
  const ReferenceRollout reference(*bundle_);
  std::vector<double> step(before.size());
  double square = 0;
  for (size_t i = 0; i < step.size(); ++i) {
    step[i] = double{after[i]} - before[i];
    square += step[i] * step[i];
  }
  const double norm = std::sqrt(square) / problem_.settings.step_size;
  EXPECT_NEAR(decision.report.gradient_norm, norm, 1e-3 * norm);
  EXPECT_NEAR(decision.report.drift, std::sqrt(square), 1e-6);
  const double slope = reference.Slope(
      reference.psi_0(), step, observation_, problem_.settings,
      {problem_.seed, problem_.decision, NoiseBank::kAdaptation, 1});
  // psi is rounded to float32, so the step's direction is off by 1e-4.
  EXPECT_NEAR(slope / std::sqrt(square), norm, 1e-3 * norm);
  const std::vector<double> psi(after.begin(), after.end());
  EXPECT_THAT(decision.action,
              testing::Pointwise(
                  testing::FloatNear(2e-6f),
                  reference.Act(psi, std::vector<double>(observation_.begin(),
                                                         observation_.end()))));
}

TEST_F(FusedEngineTest, AnyNumberOfWorkersGivesTheSameBits) {
  for (const int particles : {1, 2, 10, 37, 300}) {
    problem_.settings.particles = particles;
    ASSERT_TRUE(parameters_->Import(engine_->NewParameters()->Export()).ok());
    problem_.workers = nullptr;
    const Decision alone = Adapt();
    const std::vector<float> psi = parameters_->Export();
    for (const int size : {1, 2, 3, 16}) {
      ThreadPerLane workers(size);
      problem_.workers = &workers;
      ASSERT_TRUE(parameters_->Import(engine_->NewParameters()->Export()).ok());
      const Decision together = Adapt();
      EXPECT_EQ(together.action, alone.action) << particles << ", " << size;
      EXPECT_EQ(together.report.objective_before,
                alone.report.objective_before);
      EXPECT_EQ(parameters_->Export(), psi);
    }
  }
}

class EnsembleTest : public FusedEngineTest {
 protected:
  static RandomBundleOptions Three() {
    RandomBundleOptions options = Options(DynamicsKind::kMeanFlow);
    options.members = 3;
    options.policy.layer_norm = true;
    return options;
  }
  EnsembleTest() : FusedEngineTest(Three()) {}
};

TEST_F(EnsembleTest, AnyNumberOfWorkersGivesTheSameBits) {
  problem_.settings.particles = 200;
  problem_.settings.mode = Mode::kReset;
  const Decision alone = Adapt();
  for (const int size : {2, 7}) {
    ThreadPerLane workers(size);
    problem_.workers = &workers;
    EXPECT_EQ(Adapt().action, alone.action);
    EXPECT_EQ(Adapt().report.gradient_norm, alone.report.gradient_norm);
  }
}

TEST_F(FusedEngineTest, AWarmDecisionAllocatesNothing) {
  for (const bool guarded : {false, true}) {
    problem_.settings.accept_only_improvement = guarded;
    problem_.settings.max_drift = guarded ? 1e-3f : 0;
    problem_.settings.max_action_change = guarded ? 1e-4f : 0;
    for (const Mode mode : {Mode::kPersist, Mode::kReset}) {
      problem_.settings.mode = mode;
      Adapt();
      const long before = allocations;
      engine_->Adapt({&problem_, 1});
      EXPECT_EQ(allocations - before, 0);
    }
  }
}

// This holds for a new session, too.
TEST_F(FusedEngineTest, ResetModeNeverTakesMemoryForPsi) {
  problem_.settings.mode = Mode::kReset;
  Adapt();
  const auto session = engine_->NewParameters();
  problem_.parameters = session.get();
  const long before = allocations;
  engine_->Adapt({&problem_, 1});
  EXPECT_EQ(allocations - before, 0);
}

TEST_F(FusedEngineTest, ScratchIsCountedAndGivenBack) {
  problem_.settings.mode = Mode::kReset;
  problem_.settings.particles = 100;
  problem_.settings.horizon = 10;
  EXPECT_EQ(engine_->scratch_bytes(), 0u);
  const Decision first = Adapt();
  const long scratch = engine_->scratch_bytes();
  const long before = bytes_in_use;
  // A hundred particles need one block's tape and some matrices.
  EXPECT_GT(scratch, 100'000);
  EXPECT_LT(scratch, 50'000'000);
  EXPECT_EQ(engine_->ReleaseScratch(absl::InfinitePast()), 0u);
  EXPECT_EQ(engine_->ReleaseScratch(), static_cast<size_t>(scratch));
  EXPECT_EQ(engine_->scratch_bytes(), 0u);
  // Small lists account for the rest.
  EXPECT_NEAR(before - bytes_in_use, scratch, 0.1 * scratch);
  EXPECT_EQ(Adapt().action, first.action);
}

TEST_F(FusedEngineTest, NoMoreScratchIsKeptThanTheLimit) {
  FusedEngine::Options options;
  options.max_idle_scratch = 1000;
  const auto engine = FusedEngine::Create(bundle_, options).value();
  const auto parameters = engine->NewParameters();
  problem_.parameters = parameters.get();
  problem_.settings.mode = Mode::kReset;
  engine->Adapt({&problem_, 1});  // The model's memory grows, too.
  ASSERT_TRUE(problem_.decision_or.ok());
  const long before = bytes_in_use;
  engine->Adapt({&problem_, 1});
  EXPECT_EQ(engine->scratch_bytes(), 0u);
  EXPECT_EQ(bytes_in_use, before);
}

TEST_F(FusedEngineTest, ResetModeDecidesTheSameEveryTime) {
  problem_.settings.mode = Mode::kReset;
  const Decision first = Adapt();
  EXPECT_EQ(Adapt().action, first.action);
  EXPECT_EQ(parameters_->Export(), engine_->NewParameters()->Export());
}

TEST_F(FusedEngineTest, PersistModeContinuesFromTheLastPolicy) {
  const Decision first = Adapt();
  const float drift = first.report.drift;
  problem_.decision = 1;
  EXPECT_GT(Adapt().report.drift, drift);
  EXPECT_NE(parameters_->Export(), engine_->NewParameters()->Export());
}

TEST_F(FusedEngineTest, ParametersTravelThroughTheExchangeForm) {
  std::vector<float> expected;
  for (const std::string& name : bundle_->PolicyTensorNames()) {
    const std::vector<float>& values = bundle_->tensors().at(name).values;
    expected.insert(expected.end(), values.begin(), values.end());
  }
  EXPECT_THAT(parameters_->Export(), ElementsAreArray(expected));
  Adapt();
  const std::vector<float> adapted = parameters_->Export();
  const auto other = engine_->NewParameters();
  ASSERT_TRUE(other->Import(adapted).ok());
  EXPECT_EQ(other->Export(), adapted);
  EXPECT_EQ(other->Clone()->Export(), adapted);
  EXPECT_FALSE(other->Import(std::vector<float>(3)).ok());
  std::vector<float> spoilt = adapted;
  spoilt[5] = INFINITY;
  EXPECT_FALSE(other->Import(spoilt).ok());
  EXPECT_EQ(other->Export(), adapted);
}

TEST_F(FusedEngineTest, ADeadlineInTheMiddleLeavesTheStepsDone) {
  std::atomic<int> reads{0};
  FusedEngine::Options options;
  // Time passes with every reading of the clock.
  options.clock = [&] { return absl::UnixEpoch() + absl::Seconds(++reads); };
  const auto engine = FusedEngine::Create(bundle_, options).value();
  const auto parameters = engine->NewParameters();
  problem_.parameters = parameters.get();
  problem_.settings.steps = 1000;
  problem_.deadline = absl::UnixEpoch() + absl::Seconds(1000);
  engine->Adapt({&problem_, 1});
  ASSERT_TRUE(problem_.decision_or.ok());
  const Report& report = problem_.decision_or->report;
  EXPECT_EQ(report.outcome, Outcome::kTruncated);
  EXPECT_GT(report.steps_done, 0);
  EXPECT_LT(report.steps_done, 1000);
  // Only the report is late.
  EXPECT_LT(reads, 1010);
}

TEST_F(FusedEngineTest, LooksAtTheClockBeforeEachSamplerStep) {
  int reads = 0;
  FusedEngine::Options options;
  options.clock = [&] {
    ++reads;
    return absl::UnixEpoch();
  };
  const auto engine = FusedEngine::Create(bundle_, options).value();
  const auto parameters = engine->NewParameters();
  problem_.parameters = parameters.get();
  problem_.settings.steps = 1;
  problem_.settings.horizon = 4;
  problem_.settings.particles = 1;
  problem_.deadline = absl::UnixEpoch() + absl::Seconds(1);
  engine->Adapt({&problem_, 1});
  ASSERT_EQ(problem_.decision_or->report.steps_done, 1);
  const int there_and_back = 2 * 4 * problem_.settings.sampler_steps;
  EXPECT_GE(reads, there_and_back);
  EXPECT_LE(reads, there_and_back + 20);
}

TEST_F(FusedEngineTest, ACancelledDecisionHasNoEffect) {
  std::atomic<bool> cancelled{true};
  problem_.cancelled = &cancelled;
  engine_->Adapt({&problem_, 1});
  EXPECT_TRUE(absl::IsCancelled(problem_.decision_or.status()));
  EXPECT_EQ(parameters_->Export(), engine_->NewParameters()->Export());
}

TEST_F(FusedEngineTest, ForeignParametersAreRefused) {
  const auto other = FusedEngine::Create(bundle_, {}).value();
  const auto foreign = other->NewParameters();
  problem_.parameters = foreign.get();
  engine_->Adapt({&problem_, 1});
  EXPECT_TRUE(absl::IsInvalidArgument(problem_.decision_or.status()));
  problem_.parameters = parameters_.get();
  problem_.observation = absl::MakeSpan(observation_).first(3);
  engine_->Adapt({&problem_, 1});
  EXPECT_TRUE(absl::IsInvalidArgument(problem_.decision_or.status()));
}

TEST(FusedEngineLimitsTest, ATapeBeyondMemoryIsRefusedWhenMade) {
  RandomBundleOptions options = Options();
  options.dynamics.hidden = {64, 64};
  options.sampler_steps = 32768;
  const auto engine = FusedEngine::Create(
      std::make_shared<const Bundle>(RandomBundle(options)), {});
  EXPECT_TRUE(absl::IsUnimplemented(engine.status())) << engine.status();
  EXPECT_THAT(std::string(engine.status().message()),
              testing::HasSubstr("32768 sampler steps"));
}

TEST_F(FusedEngineTest, ThreadsMayShareAnEngine) {
  problem_.settings.mode = Mode::kReset;
  const Decision expected = Adapt();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto parameters = engine_->NewParameters();
      for (int j = 0; j < 5; ++j) {
        Problem problem = problem_;
        problem.parameters = parameters.get();
        engine_->Adapt({&problem, 1});
        ASSERT_TRUE(problem.decision_or.ok());
        EXPECT_EQ(problem.decision_or->action, expected.action);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(FusedEngineTest, Bfloat16IsCloseToFloat32) {
  FusedEngine::Options options;
  options.precision = fused::Precision::kBfloat16;
  const auto engine = FusedEngine::Create(bundle_, options);
  if (!engine.ok()) GTEST_SKIP() << engine.status();
  problem_.settings.mode = Mode::kReset;
  const Decision expected = Adapt();
  const auto parameters = (*engine)->NewParameters();
  problem_.parameters = parameters.get();
  (*engine)->Adapt({&problem_, 1});
  ASSERT_TRUE(problem_.decision_or.ok());
  const Decision& decision = *problem_.decision_or;
  // With eight bits of mantissa the hidden products are off by some tenths of a
  // percent.
  EXPECT_NEAR(decision.report.gradient_norm / expected.report.gradient_norm, 1,
              0.02);
  EXPECT_NEAR(decision.report.objective_before,
              expected.report.objective_before, 0.02);
  EXPECT_NE(decision.report.gradient_norm, expected.report.gradient_norm);
  EXPECT_THAT(decision.action,
              testing::Pointwise(testing::FloatNear(2e-3f), expected.action));
}

TEST_F(FusedEngineTest, Bfloat16NeedsItsVariant) {
  FusedEngine::Options options;
  options.variant = fused::Variant::kPortable;
  options.precision = fused::Precision::kBfloat16;
  const auto engine = FusedEngine::Create(bundle_, options);
  EXPECT_TRUE(absl::IsUnavailable(engine.status())) << engine.status();
}

TEST_F(FusedEngineTest, AnUnknownVariantIsRefusedByName) {
  ::setenv("FORESIGHT_CPU_VARIANT", "sse9", 1);
  const auto engine = FusedEngine::Create(bundle_, {});
  ::unsetenv("FORESIGHT_CPU_VARIANT");
  EXPECT_TRUE(absl::IsInvalidArgument(engine.status()));
  EXPECT_THAT(std::string(engine.status().message()),
              testing::HasSubstr("sse9"));
}

}  // namespace
}  // namespace foresight
