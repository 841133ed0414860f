#include "server/adaptation/fused/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "server/adaptation/fused/buffer.h"
#include "server/adaptation/fused/variants.h"
#include "tests/support/plain_networks.h"

namespace foresight::fused {
namespace {

using ::testing::ElementsAre;

Bundle MakeBundle() {
  RandomBundleOptions options;
  options.observation_size = 5;
  options.policy = {{20, 9}, "silu", true};
  return RandomBundle(options);
}

class PackingTest : public ::testing::Test {
 protected:
  NetworkLayout Layout(bool padded) const {
    return NetworkLayout(network_, InputRange(0, 5, padded));
  }

  const Bundle bundle_ = MakeBundle();
  const Network& network_ = bundle_.policy();
};

TEST_F(PackingTest, ExportGivesWhatImportTookAndNothingElse) {
  const NetworkLayout layout = Layout(false);
  std::vector<float> values(PlainParameters<float>(network_).size());
  std::iota(values.begin(), values.end(), 1.0f);
  std::vector<float> flat(layout.size());
  layout.Import(values, flat.data());
  std::vector<float> back(values.size());
  layout.Export(flat.data(), absl::MakeSpan(back));
  EXPECT_EQ(back, values);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  EXPECT_EQ(std::accumulate(flat.begin(), flat.end(), 0.0), sum);
}

TEST_F(PackingTest, PackWritesTheExchangeFormsValues) {
  const NetworkLayout layout = Layout(false);
  std::vector<float> packed(layout.size()), imported(layout.size());
  layout.Pack(network_, packed.data());
  layout.Import(PlainParameters<float>(network_), imported.data());
  EXPECT_EQ(packed, imported);
}

TEST_F(PackingTest, PaddedInputsHaveWeightsOfZero) {
  const NetworkLayout layout = Layout(true);
  std::vector<float> flat(layout.size());
  layout.Pack(network_, flat.data());
  const PackedNetwork network = layout.Bind(flat.data(), nullptr);
  ASSERT_EQ(network.layers[0].inputs, kTile);
  for (int i = 0; i < kTile; ++i) {
    EXPECT_EQ(network.layers[0].weight[i * kTile],
              i < 5 ? network_.layers[0].weight[i] : 0.0f)
        << i;
  }
  EXPECT_EQ(network.layers[0].adjoint, nullptr);
}

TEST_F(PackingTest, TheTransposesHoldTheSameWeights) {
  const auto kernels = SelectKernels(Variant::kPortable);
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  const NetworkLayout layout = Layout(true);
  Buffer flat(layout.size()), adjoint(layout.adjoint_size());
  layout.Pack(network_, flat.data());
  for (int part = 0; part < layout.transpose_parts(); ++part) {
    layout.Transpose(**kernels, part, flat.data(), adjoint.data());
  }
  const PackedNetwork network = layout.Bind(flat.data(), adjoint.data());
  for (size_t l = 0; l < network.layers.size(); ++l) {
    const Layer& plain = network_.layers[l];
    const PackedLayer& layer = network.layers[l];
    for (int o = 0; o < plain.outputs; ++o) {
      for (int i = 0; i < plain.inputs; ++i) {
        EXPECT_EQ(layer.adjoint[i / kTile * PanelStride(layer.outputs) +
                                o * kTile + i % kTile],
                  plain.weight[o * plain.inputs + i])
            << l << " " << o << " " << i;
      }
    }
  }
}

TEST_F(PackingTest, HiddenLayersHaveTheirOwnPlaces) {
  const NetworkLayout layout = Layout(true);
  const PackedNetwork network = layout.Bind(nullptr, nullptr);
  EXPECT_EQ(network.hidden_layers(), 2);
  EXPECT_THAT(network.hidden_offset, ElementsAre(0, 2));  // 20 take 2 tiles.
  EXPECT_EQ(network.hidden_tiles, 3);
  // Per layer: slopes and normal values, then a tile of inverse deviations.
  EXPECT_THAT(network.tape_offset, ElementsAre(0, 5));
  EXPECT_EQ(network.tape_tiles, 8);
  EXPECT_EQ(network.widest, 2);
}

TEST(HalfPanelsTest, RoundsToTheNearestAndTiesToEven) {
  // bfloat16 has 8 bits of mantissa: 1, 1 + 1/128, 1 + 2/128.
  std::vector<float> panel(PanelStride(2));
  panel[0] = 1 + 1.0f / 256;  // A tie: down to 1, which is even.
  panel[1] = 1 + 3.0f / 256;  // A tie: up to 1 + 2/128.
  panel[kTile] = -1 - 1.0f / 256 - 1.0f / 4096;  // Row 1: to -(1 + 1/128).
  const std::vector<uint16_t> half = HalfPanels(panel.data(), 2, 1);
  const auto value = [&half](int index) {
    const uint32_t bits = uint32_t{half[index]} << 16;
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
  };
  // Two rows lie interleaved.
  EXPECT_EQ(value(0), 1.0f);
  EXPECT_EQ(value(2), 1 + 2.0f / 128);
  EXPECT_EQ(value(1), -1 - 1.0f / 128);
}

TEST(InputRangeTest, CountsFromTheFirstAndPadsToWholeTiles) {
  EXPECT_THAT(InputRange(3, 2, false), ElementsAre(3, 4));
  const std::vector<int> padded = InputRange(3, 17, true);
  ASSERT_EQ(padded.size(), 2u * kTile);
  EXPECT_EQ(padded[16], 19);
  EXPECT_EQ(padded[17], -1);
}

}  // namespace
}  // namespace foresight::fused
