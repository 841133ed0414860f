// Compares passes through a network with plain loops in double.
#include "server/adaptation/fused/network_pass.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "server/adaptation/fused/buffer.h"
#include "server/adaptation/fused/variants.h"
#include "tests/support/plain_networks.h"

namespace foresight::fused {
namespace {

constexpr int kInputs = 5, kOutputs = 2, kRows = 3;
// float32 through three layers of 20.
constexpr double kTolerance = 1e-5;

Bundle MakeBundle(const std::string& activation, bool layer_norm) {
  RandomBundleOptions options;
  options.observation_size = kInputs;
  options.action_size = kOutputs;
  options.policy = {{20, 9}, activation, layer_norm};
  return RandomBundle(options);
}

// Every variant of this CPU, every activation, with and without layer norms.
class NetworkPassTest
    : public ::testing::TestWithParam<std::tuple<Variant, std::string, bool>> {
 protected:
  NetworkPassTest() {
    const auto kernels = SelectKernels(std::get<0>(GetParam()));
    EXPECT_TRUE(kernels.ok()) << kernels.status();
    layout_.Pack(plain_, flat_.data());
    for (int part = 0; part < layout_.transpose_parts(); ++part) {
      layout_.Transpose(**kernels, part, flat_.data(), adjoint_.data());
    }
    network_ = layout_.Bind(flat_.data(), adjoint_.data());
    pass_.kernels = *kernels;
    pass_.network = &network_;
    pass_.rows = kRows;
    pass_.tape = arena_.TakeMatrix(kRows, network_.tape_tiles);
    pass_.hidden = arena_.TakeMatrix(kRows, 2 * network_.widest);
    pass_.deltas = pass_.hidden;
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kTile; ++i) {
        input_.at(r, i) = i < kInputs ? 0.3f * static_cast<float>(r - i) : 0;
      }
    }
  }

  std::vector<double> InputRow(int r) const {
    std::vector<double> row;
    for (int i = 0; i < kInputs; ++i) row.push_back(input_.at(r, i));
    return row;
  }

  const Bundle bundle_ =
      MakeBundle(std::get<1>(GetParam()), std::get<2>(GetParam()));
  const Network& plain_ = bundle_.policy();
  const NetworkLayout layout_{plain_, InputRange(0, kInputs, true)};
  Buffer flat_{layout_.size()}, adjoint_{layout_.adjoint_size()};
  PackedNetwork network_;
  Arena arena_;
  Matrix input_ = arena_.TakeMatrix(kRows, 1);
  Matrix out_ = arena_.TakeMatrix(kRows, 1);
  NetworkPass pass_;
};

INSTANTIATE_TEST_SUITE_P(
    All, NetworkPassTest,
    ::testing::Combine(::testing::ValuesIn(SupportedVariants()),
                       ::testing::Values("relu", "silu", "tanh"),
                       ::testing::Bool()));

TEST_P(NetworkPassTest, ForwardIsTheNetworksOutput) {
  Forward(pass_, input_, out_);
  for (int r = 0; r < kRows; ++r) {
    const std::vector<double> expected =
        PlainForward<double>(plain_, InputRow(r));
    for (int o = 0; o < kOutputs; ++o) {
      EXPECT_NEAR(out_.at(r, o), expected[o], kTolerance) << r << " " << o;
    }
  }
}

TEST_P(NetworkPassTest, BackwardIsTheDerivativeOfForward) {
  Forward(pass_, input_, out_);
  const Matrix delta = arena_.TakeMatrix(kRows, 1);
  const Matrix input_delta = arena_.TakeMatrix(kRows, 1);
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kTile; ++o) {
      delta.at(r, o) = o < kOutputs ? 1.0f - 0.5f * static_cast<float>(o) : 0;
    }
  }
  Backward(pass_, delta, input_delta);
  constexpr double kStep = 1e-6;
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kInputs; ++i) {
      double difference = 0;
      for (const double sign : {1.0, -1.0}) {
        std::vector<double> row = InputRow(r);
        row[i] += sign * kStep;
        const std::vector<double> out = PlainForward<double>(plain_, row);
        for (int o = 0; o < kOutputs; ++o) {
          difference += sign * delta.at(r, o) * out[o];
        }
      }
      EXPECT_NEAR(input_delta.at(r, i), difference / (2 * kStep), kTolerance)
          << r << " " << i;
    }
  }
}

TEST_P(NetworkPassTest, WithoutTransposesTheDerivativeIsTheSame) {
  Forward(pass_, input_, out_);
  const Matrix delta = arena_.TakeMatrix(kRows, 1);
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kTile; ++o) delta.at(r, o) = o < kOutputs ? 1 : 0;
  }
  const Matrix with = arena_.TakeMatrix(kRows, 1);
  const Matrix without = arena_.TakeMatrix(kRows, 1);
  Backward(pass_, delta, with);
  Forward(pass_, input_, out_);
  layout_.Bind(flat_.data(), nullptr, network_);
  Backward(pass_, delta, without);
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kInputs; ++i) {
      EXPECT_NEAR(with.at(r, i), without.at(r, i), kTolerance) << r << " " << i;
    }
  }
}

TEST_P(NetworkPassTest, KeptLayersHaveTheSameOutput) {
  Forward(pass_, input_, out_);
  pass_.hidden = arena_.TakeMatrix(kRows, network_.hidden_tiles);
  pass_.keep = true;
  const Matrix kept = arena_.TakeMatrix(kRows, 1);
  Forward(pass_, input_, kept);
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) EXPECT_EQ(kept.at(r, o), out_.at(r, o));
  }
}

}  // namespace
}  // namespace foresight::fused
