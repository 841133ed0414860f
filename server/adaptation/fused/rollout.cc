#include "server/adaptation/fused/rollout.h"

#include <algorithm>

namespace foresight::fused {
namespace {

// Rows whose weight gradient is summed at once, times H + 1: large enough that
// reading and writing the gradient costs little, small enough for the L2 cache.
constexpr int kGroupRows = 768;
// A block with fewer rows takes as long as one of these: it waits for weights.
constexpr int kFewestRows = 3;
constexpr size_t kLargestTape = size_t{1} << 24;  // Floats of a block.

int CeilDivide(int a, int b) { return (a + b - 1) / b; }

// Rows of a tape whose tiles, `stride` rows apart, spread over the cache's 64
// sets instead of falling on the same ones.
int SpreadStride(int rows) {
  while (rows > 16 && (rows % 64 < 8 || rows % 64 > 56 || rows % 32 < 4)) {
    ++rows;
  }
  return rows;
}

// Weights [inputs, outputs] of a layer's gradient, two panels per item.
constexpr int kPanelsPerItem = 2;

}  // namespace

void Rollout::Prepare(Arena& arena, const RolloutPlan& plan, Workers* workers) {
  const Model& model = *plan.model;
  const int particles = plan.particles;
  const int groups =
      CeilDivide(particles, std::max(32, kGroupRows / (plan.horizon + 1)));
  group_rows_ = CeilDivide(particles, groups);
  const size_t tape = std::max<size_t>(1, Block::TapeSize(plan));
  block_rows_ = static_cast<int>(
      std::clamp<size_t>(kLargestTape / tape, 1, model.kernels.best_rows));
  block_rows_ = std::min(block_rows_, group_rows_);
  workers_ = workers;
  lanes_ = workers == nullptr ? 1 : std::max(1, workers->size());
  lanes_ = std::min(lanes_, CeilDivide(group_rows_, kFewestRows));
  tape_.Take(arena, *plan.policy, plan.horizon + 1, SpreadStride(group_rows_),
             model.action_tiles);
  if (blocks_.size() < static_cast<size_t>(lanes_)) blocks_.resize(lanes_);
  for (int lane = 0; lane < lanes_; ++lane) {
    blocks_[lane].Prepare(arena, plan, block_rows_);
  }
  returns_ = reinterpret_cast<double*>(arena.Take(2 * size_t(particles)));
}

void Rollout::InParallel(absl::FunctionRef<void(int)> body) {
  if (lanes_ == 1) return body(0);
  workers_->Run(lanes_, body);
}

// Blocks of rows begin..end - 1 in the order member by member.
void Rollout::PlanBlocks(const RolloutPlan& plan, int begin, int end) {
  const int members = static_cast<int>(plan.model->dynamics.size());
  todo_.clear();
  int first = 0;  // Row of the member's first particle.
  for (int b = 0; b < members; ++b) {
    const int size = CeilDivide(plan.particles - b, members);
    const int from = std::max(begin, first), to = std::min(end, first + size);
    const int rows = to - from;
    if (rows > 0) {
      const int lanes = std::min(lanes_, CeilDivide(rows, kFewestRows));
      const int count = CeilDivide(rows, block_rows_ * lanes) * lanes;
      for (int i = 0; i < count; ++i) {
        const int low = from + int(int64_t{rows} * i / count);
        const int high = from + int(int64_t{rows} * (i + 1) / count);
        todo_.push_back(
            {low - begin, high - low, b, b + (low - first) * members});
      }
    }
    first += size;
  }
}

void Rollout::RunBlocks(const RolloutPlan& plan, Stop stop) {
  next_ = 0;
  InParallel([&](int lane) {
    const auto stopped = [&] {
      if (!stopped_ && stop()) stopped_ = true;
      return stopped_.load();
    };
    for (int i; (i = next_++) < static_cast<int>(todo_.size());) {
      if (!blocks_[lane].Run(plan, todo_[i], returns_, stopped)) return;
    }
  });
}

Rollout::Result Rollout::Run(RolloutPlan plan, const float* psi,
                             float* gradient, Stop stop) {
  plan.tape = &tape_;
  stopped_ = false;
  for (int begin = 0; begin < plan.particles; begin += group_rows_) {
    const int end = std::min(plan.particles, begin + group_rows_);
    PlanBlocks(plan, begin, end);
    RunBlocks(plan, stop);
    if (stopped_) return {};
    if (plan.differentiate) {
      SumGradient(plan, end - begin, psi, gradient, begin > 0);
    }
  }
  Result result;
  result.complete = true;
  for (int m = 0; m < plan.particles; ++m) result.objective += returns_[m];
  result.objective /= plan.particles;
  return result;
}

void Rollout::SumGradient(const RolloutPlan& plan, int rows, const float* psi,
                          float* gradient, bool accumulate) {
  const Kernels& kernels = plan.model->kernels;
  const PackedNetwork& policy = *plan.policy;
  const auto place = [&](const float* parameter) {
    return gradient + (parameter - psi);
  };
  const auto columns = [&](int layer, Series delta) {
    WeightGradient g;
    g.steps = plan.horizon + 1;
    g.rows = rows;
    g.panels = Tiles(policy.layers[layer].outputs);
    g.delta = delta.first;
    g.delta_step = delta.step;
    g.accumulate = accumulate;
    return g;
  };
  const auto hidden = [&](Series series, int layer) {
    series.first = series.first.Tile(policy.hidden_offset[layer]);
    return series;
  };
  const auto sum_layer = [&](int l, int item, int of) {
    const PackedLayer& layer = policy.layers[l];
    const bool head = l == policy.hidden_layers();
    const Series delta = head ? tape_.head_deltas : hidden(tape_.deltas, l);
    const Series in = l == 0 ? tape_.input : hidden(tape_.hidden, l - 1);
    WeightGradient g = columns(l, delta);
    if (item == 0) {
      g.gradient = place(layer.bias);
      kernels.column_sums(g);
      if (policy.layer_norm && !head) {
        g.delta = hidden(tape_.norm_deltas, l).first;
        g.gradient = place(layer.norm_bias);
        kernels.column_sums(g);
        g.in = tape_.tape.first.Tile(policy.tape_offset[l] + g.panels);
        g.in_step = tape_.tape.step;
        g.gradient = place(layer.norm_weight);
        kernels.column_sums(g);
        g = columns(l, delta);
      }
    }
    g.inputs = layer.inputs;
    g.in = in.first;
    g.in_step = in.step;
    g.panel_stride = PanelStride(layer.inputs);
    const int all = g.panels;
    for (int panel = item * kPanelsPerItem; panel < all;
         panel += of * kPanelsPerItem) {
      WeightGradient part = g;
      part.panels = std::min(kPanelsPerItem, all - panel);
      part.delta = g.delta.Tile(panel);
      part.gradient = place(layer.weight) + panel * g.panel_stride;
      kernels.weight_gradient(part);
    }
  };
  InParallel([&](int lane) {
    for (int l = 0; l <= policy.hidden_layers(); ++l) {
      sum_layer(l, lane, lanes_);
    }
  });
}

}  // namespace foresight::fused
