// Compares each kernel of each variant on this CPU with plain loops in double.
#include "server/adaptation/fused/kernels/kernels.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/adaptation/fused/buffer.h"
#include "server/adaptation/fused/packing.h"
#include "server/adaptation/fused/variants.h"
#include "server/adaptation/noise.h"
#include "tests/server/adaptation/fused/kernels/emulated_amx_kernels.h"

namespace foresight::fused {
namespace {

class KernelsTest : public testing::TestWithParam<Variant> {
 protected:
  // Normal values in the existing columns, zeros in the padding.
  Matrix Random(int rows, int columns) {
    Matrix matrix = Zeros(rows, columns);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) matrix.at(r, c) = normal_(random_);
    }
    return matrix;
  }
  Matrix Zeros(int rows, int columns) {
    buffers_.emplace_back(size_t(rows) * Tiles(columns) * kTile);
    return {buffers_.back().data(), ptrdiff_t{rows} * kTile};
  }
  Buffer RandomFlat(size_t size) {
    Buffer buffer(size);
    for (size_t i = 0; i < size; ++i) buffer.data()[i] = normal_(random_);
    return buffer;
  }

  const Kernels& kernels_ = *SelectKernels(GetParam()).value();
  std::mt19937_64 random_{3};
  std::normal_distribution<float> normal_;
  std::vector<Buffer> buffers_;
};

// Points that cover the cases of an activation.
std::vector<float> Points() {
  std::vector<float> points;
  for (float x = -100; x <= 100; x += 0.37f) points.push_back(x);
  for (float x = -1; x <= 1; x += 0.0013f) points.push_back(x);
  for (float x = 1e-30f; x < 1; x *= 3) points.insert(points.end(), {x, -x});
  points.push_back(0);
  return points;
}

double Silu(double x) { return x / (1 + std::exp(-x)); }
double SiluSlope(double x) {
  const double s = 1 / (1 + std::exp(-x));
  return s * (1 + x * (1 - s));
}

TEST_P(KernelsTest, MultipliesEveryShape) {
  for (const int rows : {1, 2, 3, 5, 6, 7, 10, 14, 15, 29, 64}) {
    for (const int inputs : {1, 15, 16, 37}) {
      for (const int outputs : {1, 16, 31, 80, 130, 150}) {
        const Matrix in = Random(rows, inputs);
        const Matrix add = Random(rows, outputs);
        const Matrix scale = Random(rows, outputs);
        const Matrix out = Zeros(rows, outputs);
        const Buffer weights = RandomFlat(Tiles(outputs) * PanelStride(inputs));
        const Buffer bias = RandomFlat(Tiles(outputs) * kTile);
        PackedLayer layer;
        layer.inputs = inputs;
        layer.outputs = outputs;
        layer.weight = weights.data();
        layer.bias = bias.data();
        Product product = ForwardProduct(layer, rows, in, out);
        product.add = add;
        product.scale = scale;
        kernels_.multiply(product);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < outputs; ++o) {
            double sum = bias.data()[o] + add.at(r, o);
            for (int i = 0; i < inputs; ++i) {
              sum += double{in.at(r, i)} *
                     weights.data()[o / kTile * PanelStride(inputs) +
                                    i * kTile + o % kTile];
            }
            // At most 39 terms of order 1 in float32.
            ASSERT_NEAR(out.at(r, o), sum * scale.at(r, o), 2e-5)
                << rows << "x" << inputs << "x" << outputs;
          }
        }
        buffers_.clear();
      }
    }
  }
}

TEST_P(KernelsTest, ARowsResultDoesNotDependOnTheOtherRows) {
  const int inputs = 50, outputs = 70, rows = 29;
  const Matrix in = Random(rows, inputs);
  const Matrix all = Zeros(rows, outputs), one = Zeros(rows, outputs);
  const Buffer weights = RandomFlat(Tiles(outputs) * PanelStride(inputs));
  PackedLayer layer;
  layer.inputs = inputs;
  layer.outputs = outputs;
  layer.weight = weights.data();
  kernels_.multiply(ForwardProduct(layer, rows, in, all));
  for (int r = 0; r < rows; ++r) {
    kernels_.multiply(ForwardProduct(layer, 1, in.Row(r), one.Row(r)));
    for (int o = 0; o < outputs; ++o) {
      ASSERT_EQ(all.at(r, o), one.at(r, o)) << r << ", " << o;
    }
  }
}

// If all values are exact in bfloat16, products are the same as in float32.
void ExpectExactProducts(void (*multiply)(const Product&)) {
  std::mt19937_64 random(4);
  std::uniform_int_distribution<int> integers(-100, 100);
  for (const int rows : {1, 3, 10, 14, 16, 33}) {
    for (const int inputs : {1, 31, 33, 256}) {
      for (const int outputs : {1, 48, 70, 130}) {
        Buffer in(rows * Tiles(inputs) * kTile),
            out(rows * Tiles(outputs) * kTile),
            other(rows * Tiles(outputs) * kTile), bias(Tiles(outputs) * kTile);
        Buffer weights(Tiles(outputs) * PanelStride(inputs));
        const ptrdiff_t stride = ptrdiff_t{rows} * kTile;
        const Matrix x = {in.data(), stride}, y = {out.data(), stride};
        const Matrix z = {other.data(), stride};
        for (int o = 0; o < outputs; ++o) {
          bias.data()[o] = integers(random);
          for (int r = 0; r < rows; ++r) z.at(r, o) = integers(random) / 4;
        }
        for (int r = 0; r < rows; ++r) {
          for (int i = 0; i < inputs; ++i) x.at(r, i) = integers(random) / 8.0f;
        }
        const auto weight = [&](int o, int i) -> float& {
          return weights
              .data()[o / kTile * PanelStride(inputs) + i * kTile + o % kTile];
        };
        for (int o = 0; o < outputs; ++o) {
          for (int i = 0; i < inputs; ++i)
            weight(o, i) = integers(random) / 4.0f;
        }
        const std::vector<uint16_t> half =
            HalfPanels(weights.data(), inputs, Tiles(outputs));
        PackedLayer layer;
        layer.inputs = inputs;
        layer.outputs = outputs;
        layer.half_weight = half.data();
        Product product = ForwardProduct(layer, rows, x, y);
        product.bias = bias.data();
        product.add = product.scale = z;
        multiply(product);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < outputs; ++o) {
            double sum = bias.data()[o] + z.at(r, o);
            for (int i = 0; i < inputs; ++i) {
              sum += double{x.at(r, i)} * weight(o, i);
            }
            // Sums of multiples of 1/32 below 2^19: exact in float32.
            ASSERT_EQ(y.at(r, o), static_cast<float>(sum * z.at(r, o)))
                << rows << "x" << inputs << "x" << outputs;
          }
        }
      }
    }
  }
}

TEST(HalfKernelsTest, ProductsOfBfloat16ValuesAreExact) {
  const auto kernels = SelectKernels(Variant::kAuto, Precision::kBfloat16);
  if (!kernels.ok()) GTEST_SKIP() << kernels.status();
  ExpectExactProducts((*kernels)->multiply);
}

// On a CPU with AVX512-BF16 but without AMX this tests everything around the
// tile registers.
TEST(HalfKernelsTest, MultipliesOnTiles) {
#ifdef FORESIGHT_EMULATED_AMX
  const auto kernels = SelectKernels(Variant::kAuto, Precision::kBfloat16);
  if (!kernels.ok()) GTEST_SKIP() << kernels.status();
  ExpectExactProducts(EmulatedAmxMultiply);
#else
  GTEST_SKIP() << "no kernels on AMX for this architecture";
#endif
}

TEST(HalfKernelsTest, ACpuWithAmxMultipliesOnItsTiles) {
  const auto kernels = SelectKernels(Variant::kAuto, Precision::kBfloat16);
  if (!kernels.ok()) GTEST_SKIP() << kernels.status();
  if (std::string((*kernels)->name) != "avx512-amx") {
    GTEST_SKIP() << "this CPU has no AMX: bf16 runs on " << (*kernels)->name;
  }
  ExpectExactProducts((*kernels)->multiply);
}

TEST(HalfKernelsTest, RoundsWeightsToNearestEven) {
  float panel[2 * kTile] = {};
  panel[0] = 1 + 0x1p-8f;              // Halfway: to even, down.
  panel[kTile] = 1 + 3 * 0x1p-8f;      // Halfway: to even, up.
  panel[1] = -1 - 0x1p-8f - 0x1p-20f;  // Beyond: away from 0.
  const std::vector<uint16_t> half = HalfPanels(panel, 2, 1);
  EXPECT_EQ(half[0], 0x3f80);
  EXPECT_EQ(half[1], 0x3f82);
  EXPECT_EQ(half[2], 0xbf81);
}

TEST_P(KernelsTest, SumsWeightGradients) {
  const int rows = 7, steps = 3, inputs = 37, outputs = 70;
  const Matrix in = Random(rows * steps, inputs);
  const Matrix delta = Random(rows * steps, outputs);
  Buffer gradient = RandomFlat(Tiles(outputs) * PanelStride(inputs));
  Buffer sums = RandomFlat(Tiles(outputs) * kTile);
  const float* const given = sums.data();
  const std::vector<float> before(given, given + outputs);
  WeightGradient g;
  g.steps = steps;
  g.rows = rows;
  g.inputs = inputs;
  g.panels = Tiles(outputs);
  g.in = in;
  g.delta = delta;
  g.in_step = g.delta_step = rows * kTile;
  g.panel_stride = PanelStride(inputs);
  g.gradient = gradient.data();
  kernels_.weight_gradient(g);
  g.accumulate = true;
  kernels_.weight_gradient(g);  // Twice.
  g.gradient = sums.data();
  g.in = delta;
  kernels_.column_sums(g);
  for (int o = 0; o < outputs; ++o) {
    double squares = before[o];
    for (int r = 0; r < rows * steps; ++r) {
      squares += double{delta.at(r, o)} * delta.at(r, o);
    }
    EXPECT_NEAR(sums.data()[o], squares, 2e-5);
    for (int i = 0; i < inputs; ++i) {
      double sum = 0;
      for (int r = 0; r < rows * steps; ++r) {
        sum += 2 * double{in.at(r, i)} * delta.at(r, o);
      }
      ASSERT_NEAR(
          gradient.data()[o / kTile * g.panel_stride + i * kTile + o % kTile],
          sum, 2e-5);
    }
  }
}

TEST_P(KernelsTest, TransposesPanels) {
  for (const int inputs : {1, 16, 37}) {
    for (const int outputs : {1, 16, 70}) {
      const Buffer panels = RandomFlat(Tiles(outputs) * PanelStride(inputs));
      Buffer out = RandomFlat(Tiles(inputs) * PanelStride(outputs));
      kernels_.transpose(inputs, outputs, panels.data(), PanelStride(inputs),
                         out.data(), PanelStride(outputs));
      for (int i = 0; i < Tiles(inputs) * kTile; ++i) {
        for (int o = 0; o < outputs; ++o) {
          const float expected =
              i < inputs ? panels.data()[o / kTile * PanelStride(inputs) +
                                         i * kTile + o % kTile]
                         : 0;
          ASSERT_EQ(out.data()[i / kTile * PanelStride(outputs) + o * kTile +
                               i % kTile],
                    expected);
        }
      }
    }
  }
}

TEST_P(KernelsTest, MultipliesByTransposedWeightsRowByRow) {
  for (const int inputs : {1, 11, 16, 37, 64}) {  // i
    for (const int outputs : {1, 16, 40, 256}) {  // o
      const int rows = 3;
      const Matrix in = Random(rows, outputs), scale = Random(rows, inputs);
      const Matrix out = Zeros(rows, inputs), one = Zeros(rows, inputs);
      const Buffer weights = RandomFlat(Tiles(outputs) * PanelStride(inputs));
      PackedLayer layer;
      layer.inputs = inputs;
      layer.outputs = outputs;
      Product product = AdjointProduct(layer, rows, in, out);
      product.weights = weights.data();
      product.panel_stride = PanelStride(inputs);
      product.scale = scale;
      kernels_.multiply_transposed(product, inputs);
      for (int r = 0; r < rows; ++r) {
        product.rows = 1;
        product.in = in.Row(r);
        product.scale = scale.Row(r);
        product.out = one.Row(r);
        kernels_.multiply_transposed(product, inputs);
        for (int i = 0; i < inputs; ++i) {
          double sum = 0;
          for (int o = 0; o < outputs; ++o) {
            sum += double{in.at(r, o)} *
                   weights.data()[o / kTile * PanelStride(inputs) + i * kTile +
                                  o % kTile];
          }
          // At most 256 terms of order 1 in float32.
          ASSERT_NEAR(out.at(r, i), sum * scale.at(r, i), 1e-4)
              << inputs << "x" << outputs;
          ASSERT_EQ(out.at(r, i), one.at(r, i));
        }
        for (int i = inputs; i < Tiles(inputs) * kTile; ++i) {
          ASSERT_EQ(out.at(r, i), 0);  // Padding stays zero.
        }
      }
      buffers_.clear();
    }
  }
}

TEST_P(KernelsTest, AscendIsAddScaledAndSquaredDistanceToTheBit) {
  for (const size_t size : {16, 48, 64, 4096 + 16}) {
    const Buffer x = RandomFlat(size), z = RandomFlat(size);
    Buffer y = RandomFlat(size), sum(size);
    kernels_.add_scaled(size, x.data(), 0.3f, y.data(), sum.data());
    const double distance =
        kernels_.ascend(size, x.data(), 0.3f, y.data(), z.data());
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(y.data()[i], sum.data()[i]);
    EXPECT_EQ(distance, kernels_.squared_distance(size, sum.data(), z.data()));
  }
}

TEST_P(KernelsTest, ActivationsAreAccurateToFloat32) {
  const std::vector<float> points = Points();
  const int size = static_cast<int>(points.size());
  const auto check = [&](auto kernel, auto f, auto slope_of) {
    const Matrix x = Zeros(1, size), slope = Zeros(1, size);
    for (int i = 0; i < size; ++i) x.at(0, i) = points[i];
    kernel(1, Tiles(size), x, slope);
    for (int i = 0; i < size; ++i) {
      const double expected = f(double{points[i]});
      // Below -87 the logistic function is computed as e^-87.
      EXPECT_NEAR(x.at(0, i), expected, 4e-7 * std::abs(expected) + 2e-36)
          << points[i];
      // Slopes are sums of terms up to 1, so the tolerance is absolute.
      EXPECT_NEAR(slope.at(0, i), slope_of(double{points[i]}), 4e-7)
          << points[i];
    }
  };
  check(
      kernels_.relu, [](double x) { return std::max(x, 0.0); },
      [](double x) { return x > 0 ? 1.0 : 0.0; });
  check(kernels_.silu, Silu, SiluSlope);
  check(
      kernels_.tanh, [](double x) { return std::tanh(x); },
      [](double x) { return 1 - std::pow(std::tanh(x), 2); });
}

TEST_P(KernelsTest, ActivationsKeepNaN) {
  for (const auto kernel : {kernels_.relu, kernels_.silu, kernels_.tanh}) {
    const Matrix x = Zeros(1, kTile);
    x.at(0, 5) = std::nanf("");
    kernel(1, 1, x, {});
    EXPECT_TRUE(std::isnan(x.at(0, 5)));
    EXPECT_EQ(x.at(0, 4), 0);
  }
}

TEST_P(KernelsTest, NormalisesRowsAndBack) {
  for (const int columns : {1, 5, 16, 37}) {
    const int rows = 3;
    const Matrix z = Random(rows, columns), x = Zeros(rows, columns);
    const Matrix normal = Zeros(rows, columns), inverse = Zeros(rows, 1);
    const Matrix slope = Random(rows, columns), out = Zeros(rows, columns);
    const Matrix delta = Random(rows, columns);
    const Matrix weight = Random(1, columns), bias = Random(1, columns);
    LayerNorm norm;
    norm.rows = rows;
    norm.columns = columns;
    norm.epsilon = 1e-3f;
    norm.weight = weight.data;
    norm.bias = bias.data;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) x.at(r, c) = z.at(r, c) += 3;
    }
    kernels_.norm(norm, x, normal, inverse);
    kernels_.norm_adjoint(norm, delta, normal, inverse, slope, out);
    const auto value = [&](int r, int c, int moved, double by) {
      double mean = 0, variance = 0;
      const auto at = [&](int i) { return z.at(r, i) + (i == moved ? by : 0); };
      for (int i = 0; i < columns; ++i) mean += at(i) / columns;
      for (int i = 0; i < columns; ++i) {
        variance += std::pow(at(i) - mean, 2) / columns;
      }
      return (at(c) - mean) / std::sqrt(variance + norm.epsilon) *
                 weight.at(0, c) +
             bias.at(0, c);
    };
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        EXPECT_NEAR(x.at(r, c), value(r, c, 0, 0), 2e-5);
        double adjoint = 0;
        for (int i = 0; i < columns; ++i) {
          adjoint += delta.at(r, i) *
                     (value(r, i, c, 1e-5) - value(r, i, c, -1e-5)) / 2e-5;
        }
        // With one column the inverse deviation is 1 / sqrt(epsilon) = 32.
        EXPECT_NEAR(out.at(r, c), slope.at(r, c) * adjoint, 5e-5) << columns;
      }
    }
  }
}

TEST_P(KernelsTest, DrawsTheSpecifiedNoise) {
  const uint64_t seed = 7696704851221;
  for (const int size : {1, 11, 17, 111}) {
    const int slots = 3, rows = 5;
    const Matrix z = Zeros(rows * slots, size);
    const ptrdiff_t step = rows * kTile;
    NoiseBlock block;
    block.key[0] = static_cast<uint32_t>(seed);
    block.key[1] = static_cast<uint32_t>(seed >> 32);
    block.transition = 6u << 16;
    block.decision = 1000000;
    block.first_particle = 1;
    block.particle_step = 2;
    block.scale = 0.5f;
    kernels_.noise(block, slots, rows, size, z, step);
    for (int slot = 0; slot < slots; ++slot) {
      for (int r = 0; r < rows; ++r) {
        std::vector<float> expected(size);
        FillNoise({seed, 1000000, NoiseBank::kAdaptation, 0.5f}, 6, 1 + 2 * r,
                  slot, absl::MakeSpan(expected));
        for (int i = 0; i < size; ++i) {
          // docs/method.md section 4: "a faster way must keep 1e-6".
          ASSERT_NEAR(z.at(slot * rows + r, i), expected[i], 1e-6);
        }
      }
    }
  }
}

TEST_P(KernelsTest, NoiseKeeps1e6InTheTails) {
  // The largest and the smallest radius of two million draws.
  const int rows = 1024;
  const Matrix z = Zeros(rows, 16);
  for (uint32_t decision = 0; decision < 32; ++decision) {
    NoiseBlock block;
    block.decision = decision;
    kernels_.noise(block, 1, rows, 16, z, 0);
    for (int r = 0; r < rows; ++r) {
      float expected[16];
      FillNoise({0, decision}, 0, r, 0, absl::MakeSpan(expected));
      for (int i = 0; i < 16; ++i) {
        ASSERT_NEAR(z.at(r, i), expected[i], 1e-6);
      }
    }
  }
}

TEST_P(KernelsTest, FlatArithmetic) {
  const size_t size = 16 * 37;
  const Buffer x = RandomFlat(size), y = RandomFlat(size);
  Buffer sum(size), between(size);
  kernels_.add_scaled(size, x.data(), 0.3f, y.data(), sum.data());
  kernels_.interpolate(size, x.data(), 0.3f, y.data(), between.data());
  double squares = 0, distance = 0;
  for (size_t i = 0; i < size; ++i) {
    const double a = x.data()[i], b = y.data()[i];
    squares += a * a;
    distance += (a - b) * (a - b);
    EXPECT_NEAR(sum.data()[i], a + 0.3 * b, 1e-6);
    EXPECT_NEAR(between.data()[i], a + 0.3 * (b - a), 1e-6);
  }
  EXPECT_NEAR(kernels_.sum_squares(size, x.data()), squares, 1e-10 * squares);
  EXPECT_NEAR(kernels_.squared_distance(size, x.data(), y.data()), distance,
              1e-10 * distance);
  Buffer huge(size);
  huge.data()[size - 1] = -3e38f;
  EXPECT_NEAR(kernels_.sum_squares(size, huge.data()), 9e76, 1e70);
}

INSTANTIATE_TEST_SUITE_P(All, KernelsTest,
                         testing::ValuesIn(SupportedVariants()),
                         [](const auto& variant) {
                           return VariantName(variant.param);
                         });

}  // namespace
}  // namespace foresight::fused
