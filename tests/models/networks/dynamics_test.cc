#include "models/networks/dynamics.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "tests/support/plain_networks.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

const double kRounding = 1e-12;  // In doubles, over up to 12 network passes.

struct Rows {
  std::vector<std::vector<double>> states, actions;
  std::vector<std::vector<std::vector<float>>> noise;  // [N][J][S]
};

Rows RandomRows(int count, int slots, int state, int action) {
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  Rows rows;
  for (int n = 0; n < count; ++n) {
    rows.states.emplace_back();
    rows.actions.emplace_back();
    rows.noise.emplace_back(slots);
    for (int i = 0; i < state; ++i) rows.states[n].push_back(normal(random));
    for (int i = 0; i < action; ++i) rows.actions[n].push_back(normal(random));
    for (auto& slot : rows.noise[n]) {
      for (int i = 0; i < state; ++i) slot.push_back(normal(random));
    }
  }
  return rows;
}

// [J, N, S]
at::Tensor NoiseOf(const Rows& rows) {
  std::vector<std::vector<double>> all;
  const size_t slots = rows.noise[0].size();
  for (size_t j = 0; j < slots; ++j) {
    for (const auto& row : rows.noise) {
      all.emplace_back(row[j].begin(), row[j].end());
    }
  }
  const int64_t count = rows.noise.size();
  return FromRows(all).view({static_cast<int64_t>(slots), count, -1});
}

struct Case {
  DynamicsKind kind;
  int steps;
  int members;
  bool layer_norm;
};

class SamplerTest : public ::testing::TestWithParam<Case> {
 protected:
  SamplerTest()
      : bundle_(RandomBundle(Options())),
        sampler_(Sampler::FromBundle(bundle_, GetParam().steps, Double())),
        rows_(RandomRows(7, sampler_.slots(), 3, 2)),
        states_(FromRows(rows_.states)),
        actions_(FromRows(rows_.actions)) {
    at::set_num_threads(1);  // Two would only wait for each other.
  }

  static RandomBundleOptions Options() {
    RandomBundleOptions options;
    options.kind = GetParam().kind;
    options.members = GetParam().members;
    options.sampler_steps = GetParam().steps;
    options.dynamics.layer_norm = GetParam().layer_norm;
    return options;
  }

  std::vector<double> Expected(int row, int particles) const {
    return PlainNext(bundle_, row % particles % GetParam().members,
                     rows_.states[row], rows_.actions[row], rows_.noise[row],
                     GetParam().steps);
  }

  const Bundle bundle_;
  const Sampler sampler_;
  const Rows rows_;
  const at::Tensor states_, actions_;
};

TEST_P(SamplerTest, EqualsPlainLoopsInDouble) {
  const at::Tensor next = sampler_.Next(states_, actions_, NoiseOf(rows_));
  for (int n = 0; n < 7; ++n) {
    EXPECT_THAT(Values(next[n]),
                Pointwise(DoubleNear(kRounding), Expected(n, 7)));
  }
}

// Seven rows are the particles 0 1 0 1 .. of several problems.
TEST_P(SamplerTest, MembersGoByParticleNotByRow) {
  for (const int particles : {1, 2, 5}) {
    const at::Tensor z = NoiseOf(rows_);
    const at::Tensor next = sampler_.Next(
        states_, actions_,
        sampler_.Arrange(at::stack({at::zeros_like(z), z}), particles), 1);
    for (int n = 0; n < 7; ++n) {
      EXPECT_THAT(Values(next[n]),
                  Pointwise(DoubleNear(kRounding), Expected(n, particles)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SamplerTest,
    ::testing::Values(Case{DynamicsKind::kDiffusion, 1, 1, false},
                      Case{DynamicsKind::kDiffusion, 10, 1, false},
                      Case{DynamicsKind::kDiffusion, 4, 3, true},
                      Case{DynamicsKind::kMeanFlow, 1, 1, false},
                      Case{DynamicsKind::kMeanFlow, 4, 3, true}));

TEST(Sampler, DrawsAsManySlotsAsItsKindNeeds) {
  RandomBundleOptions options;
  options.sampler_steps = 5;
  EXPECT_EQ(Sampler::FromBundle(RandomBundle(options), 1, Double()).slots(), 5);
  options.kind = DynamicsKind::kMeanFlow;
  EXPECT_EQ(Sampler::FromBundle(RandomBundle(options), 7, Double()).slots(), 1);
}

}  // namespace
}  // namespace foresight
