// On the fused engine, sessions stepped together give the same bits as alone.
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/bundle/random_bundle.h"
#include "server/adaptation/fused/fused_engine.h"
#include "tests/support/outcome_names.h"
#include "tests/support/thread_per_lane.h"

namespace foresight {
namespace {

constexpr int kSessions = 6;
constexpr int kLate = 3;       // Joins after the first round.
constexpr int kCancelled = 4;  // In the second step.
constexpr int kFar = 5;        // Its psi is so large that nothing is finite.

struct Case {
  std::string name;
  DynamicsKind kind = DynamicsKind::kDiffusion;
  int members = 1;
  int particles = 1;
  float noise_scale = 1;
  bool layer_norm = false;
  int workers = 1;
};

auto Facts(const Report& report) {
  return std::tuple(report.outcome, report.steps_done, report.objective_before,
                    report.objective_after, report.gradient_norm,
                    report.action_change, report.drift);
}

class FusedBatchTest
    : public testing::TestWithParam<std::tuple<Case, fused::Variant>> {
 protected:
  struct Session {
    std::unique_ptr<PolicyParameters> psi;
    std::vector<float> observation;
    std::atomic<bool> cancelled{false};
    Problem problem;
  };

  FusedBatchTest() : workers_(param().workers) {
    RandomBundleOptions options;
    options.observation_size = 11;
    options.action_size = 3;
    options.policy.hidden = {40, 24};
    options.policy.layer_norm = param().layer_norm;
    options.kind = param().kind;
    options.members = param().members;
    FusedEngine::Options variant;
    variant.variant = std::get<1>(GetParam());
    bundle_ = std::make_shared<const Bundle>(RandomBundle(options));
    engine_ = FusedEngine::Create(bundle_, variant).value();
  }

  const Case& param() const { return std::get<0>(GetParam()); }

  // Makes sessions that differ in psi, observation, seed, decision, steps, mode
  // and guards.
  std::unique_ptr<Session> MakeSession(int i) {
    auto session = std::make_unique<Session>();
    std::mt19937_64 random(i);
    std::normal_distribution<float> normal;
    session->psi = engine_->NewParameters();
    std::vector<float> psi = session->psi->Export();
    for (float& value : psi) {
      value += 0.05f * normal(random);
      if (i == kFar) value *= 1e30f;
    }
    EXPECT_TRUE(session->psi->Import(psi).ok());
    for (int j = 0; j < bundle_->observation_size(); ++j) {
      session->observation.push_back(normal(random));
    }
    Problem& problem = session->problem;
    problem.observation = session->observation;
    problem.parameters = session->psi.get();
    problem.seed = 77 + i;
    problem.decision = 1000 * i;
    problem.settings.horizon = 3;
    problem.settings.particles = param().particles;
    problem.settings.noise_scale =
        param().noise_scale == 0 ? 0 : param().noise_scale + 0.1f * i;
    problem.settings.sampler_steps = 2;
    problem.settings.step_size = 0.01f * (1 + i);
    problem.settings.steps = 1 + i % 3;
    problem.settings.max_gradient_norm = i == 1 ? 0.01f : 0;
    problem.settings.max_drift = i == 2 ? 0.5f : 0;
    problem.settings.accept_only_improvement = i != 0;
    problem.report_objective_after = true;
    problem.plan_length = 2 * i;
    problem.cancelled = &session->cancelled;
    if (i == 0) problem.settings.mode = Mode::kReset;
    if (param().workers > 1) problem.workers = &workers_;
    return session;
  }

  std::shared_ptr<const Bundle> bundle_;
  std::unique_ptr<Engine> engine_;
  ThreadPerLane workers_;
};

TEST_P(FusedBatchTest, SessionsHaveTheBitsTheyHaveAlone) {
  std::vector<std::unique_ptr<Session>> together, alone;
  std::vector<Problem*> all;
  for (int i = 0; i < kSessions; ++i) {
    together.push_back(MakeSession(i));
    alone.push_back(MakeSession(i));
    all.push_back(&together[i]->problem);
    engine_->Adapt({&alone[i]->problem, 1});
  }
  ASSERT_GE(engine_->BatchLimit(all[0]->settings), 2);
  ASSERT_TRUE(engine_->SideBySide(*all[0], *all[1]));

  const auto batch = engine_->NewBatch();
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < kSessions; ++i) {
      if ((i == kLate) == (round == 1) && round < 2) {
        ASSERT_TRUE(batch->Admit(all[i]));
      }
    }
    if (round == 1) together[kCancelled]->cancelled = true;
    std::vector<Problem*> stepping;
    for (Problem* problem : all) {
      if (batch->WantsStep(*problem)) stepping.push_back(problem);
    }
    batch->Step(stepping);
  }
  batch->Retire(all);

  EXPECT_TRUE(absl::IsCancelled(all[kCancelled]->decision_or.status()));
  EXPECT_EQ(together[kCancelled]->psi->Export(),
            MakeSession(kCancelled)->psi->Export());
  for (int i = 0; i < kSessions; ++i) {
    if (i == kCancelled) continue;
    const absl::StatusOr<Decision>& decision = all[i]->decision_or;
    const absl::StatusOr<Decision>& expected = alone[i]->problem.decision_or;
    ASSERT_TRUE(decision.ok() && expected.ok()) << decision.status();
    EXPECT_EQ(decision->action, expected->action) << i;
    EXPECT_EQ(decision->plan, expected->plan) << i;
    EXPECT_EQ(Facts(decision->report), Facts(expected->report)) << i;
    EXPECT_EQ(together[i]->psi->Export(), alone[i]->psi->Export()) << i;
    if (i == kFar) {
      EXPECT_EQ(decision->report.outcome, Outcome::kNonFinite);
    } else {
      EXPECT_EQ(decision->report.steps_done, 1 + i % 3);
    }
  }
}

// A cancellation cuts one problem's step while the others continue.
TEST_P(FusedBatchTest, CutStepLeavesTheOthersWhole) {
  auto kept = MakeSession(1), cut = MakeSession(2), alone = MakeSession(1);
  engine_->Adapt({&alone->problem, 1});
  cut->problem.deadline = absl::InfinitePast();
  Problem* const both[] = {&kept->problem, &cut->problem};
  const auto batch = engine_->NewBatch();
  for (Problem* problem : both) ASSERT_TRUE(batch->Admit(problem));
  batch->Step(both);
  EXPECT_FALSE(batch->WantsStep(cut->problem));
  EXPECT_EQ(cut->problem.timing.whole_steps, 0);
  while (batch->WantsStep(kept->problem)) batch->Step({&kept->problem});
  batch->Retire(both);
  EXPECT_EQ(cut->problem.decision_or->report.outcome, Outcome::kFrozen);
  EXPECT_EQ(kept->problem.decision_or->action,
            alone->problem.decision_or->action);
  EXPECT_EQ(kept->psi->Export(), alone->psi->Export());
}

std::vector<Case> Cases() {
  const DynamicsKind diffusion = DynamicsKind::kDiffusion;
  const DynamicsKind mean_flow = DynamicsKind::kMeanFlow;
  return {{"OneParticle", diffusion, 1, 1, 0},
          {"OneNoisyParticle", diffusion, 1, 1, 1},
          {"OneParticleMeanFlow", mean_flow, 1, 1, 0, true},
          {"FourParticles", diffusion, 1, 4, 1, true},
          {"ThreeParticlesMeanFlow", mean_flow, 1, 3, 1},
          {"Ensemble", diffusion, 3, 4, 1},
          {"EnsembleMeanFlow", mean_flow, 2, 4, 0},
          {"EnsembleOfIdleMembers", diffusion, 3, 1, 1, true},
          {"OneParticleWithHelpers", diffusion, 1, 1, 0, false, 3},
          {"FourParticlesWithHelpers", diffusion, 1, 4, 1, false, 2},
          {"EnsembleWithHelpers", mean_flow, 2, 4, 1, true, 4}};
}

INSTANTIATE_TEST_SUITE_P(
    All, FusedBatchTest,
    testing::Combine(testing::ValuesIn(Cases()),
                     testing::ValuesIn(fused::SupportedVariants())),
    [](const testing::TestParamInfo<FusedBatchTest::ParamType>& which) {
      return absl::StrCat(std::get<0>(which.param).name, "_",
                          fused::VariantName(std::get<1>(which.param)));
    });

TEST(FusedBatchLimitTest, SessionsOfFewParticlesAreComputedTogether) {
  const auto bundle = std::make_shared<const Bundle>(RandomBundle());
  const auto engine = FusedEngine::Create(bundle, {}).value();
  AdaptationSettings settings = bundle->defaults();
  settings.horizon = 5;
  const auto limit = [&](int particles) {
    settings.particles = particles;
    return engine->BatchLimit(settings);
  };
  EXPECT_EQ(limit(1), 8);
  EXPECT_EQ(limit(2), 4);
  for (const int particles : {6, 10, 64, 4096}) {
    EXPECT_EQ(limit(particles), 1) << particles;
  }
}

TEST(FusedBatchLimitTest, OnlyEqualShapesAreSideBySide) {
  const auto bundle = std::make_shared<const Bundle>(RandomBundle());
  const auto engine = FusedEngine::Create(bundle, {}).value();
  Problem a, b;
  a.settings = b.settings = bundle->defaults();
  a.settings.particles = b.settings.particles = 2;
  b.settings.step_size = 1;
  b.settings.steps = 9;
  EXPECT_TRUE(engine->SideBySide(a, b));
  b.settings.noise_scale = 0;
  EXPECT_FALSE(engine->SideBySide(a, b));
  b = a;
  b.settings.horizon += 1;
  EXPECT_FALSE(engine->SideBySide(a, b));
  a.settings.particles = b.settings.particles = 1000;
  EXPECT_FALSE(engine->SideBySide(a, a));
}

}  // namespace
}  // namespace foresight
