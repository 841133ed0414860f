#include "server/adaptation/fused/rollout.h"

#include <algorithm>

namespace foresight::fused {
namespace {

// Rows times H + 1 whose weight gradient is summed at once: enough that reading
// and writing the gradient costs little, few enough for the L2 cache.
constexpr int kGroupRows = 768;
// A block with fewer rows takes as long as one with this many, since most of
// its time goes into loading the weights.
constexpr int kFewestRows = 3;
constexpr size_t kLargestTape = size_t{1} << 24;  // In floats, for a block.

int CeilDivide(int a, int b) { return (a + b - 1) / b; }

// Raises a tape's number of rows until its tiles spread over the cache's 64
// sets instead of sharing some.
int SpreadStride(int rows) {
  while (rows > 16 && (rows % 64 < 8 || rows % 64 > 56 || rows % 32 < 4)) {
    ++rows;
  }
  return rows;
}

// Panels of a layer's weight gradient that are summed at once.
constexpr int kPanelsPerPart = 2;
// Sessions are computed together to read the frozen weights once for all their
// rows. From this many rows on, the products take longer than reading the
// weights (kernels.h), and another session's psi and gradient only take up
// cache.
constexpr int kEnoughRows = 8;

// The number of groups that a session's particles are split into.
int Groups(int particles, int horizon) {
  return CeilDivide(particles, std::max(32, kGroupRows / (horizon + 1)));
}

int BlockRowLimit(const RolloutPlan& plan) {
  const size_t tape = std::max<size_t>(1, Block::TapeSize(plan));
  return static_cast<int>(std::clamp<size_t>(kLargestTape / tape, 1,
                                             plan.model->kernels.best_rows));
}

}  // namespace

int Rollout::SessionLimit(const Model& model,
                          const AdaptationSettings& settings) {
  if (Groups(settings.particles, settings.horizon) > 1) return 1;
  RolloutPlan plan;
  plan.model = &model;
  plan.sampler = &model.Sampler(settings.sampler_steps);
  plan.horizon = settings.horizon;
  const int rows = std::min(BlockRowLimit(plan), kEnoughRows);
  return std::max(1, rows / settings.particles);
}

void Rollout::Prepare(Arena& arena, const RolloutPlan& plan, Workers* workers) {
  const Model& model = *plan.model;
  const int sessions = static_cast<int>(plan.sessions.size());
  group_rows_ =
      CeilDivide(plan.particles, Groups(plan.particles, plan.horizon));
  const int rows = group_rows_ * sessions;
  block_rows_ = std::min(BlockRowLimit(plan), rows);
  workers_ = workers;
  lanes_ = workers == nullptr ? 1 : std::max(1, workers->size());
  lanes_ = std::min(lanes_, CeilDivide(rows, kFewestRows));
  tape_.Take(arena, *plan.sessions[0].policy, plan.horizon + 1,
             SpreadStride(rows), model.action_tiles);
  if (blocks_.size() < static_cast<size_t>(lanes_)) blocks_.resize(lanes_);
  for (int lane = 0; lane < lanes_; ++lane) {
    blocks_[lane].Prepare(arena, plan, block_rows_);
  }
  returns_ = reinterpret_cast<double*>(
      arena.Take(2 * size_t(plan.particles) * sessions));
  if (stopped_.size() < plan.sessions.size()) {
    stopped_ = std::vector<std::atomic<bool>>(sessions);
  }
}

void Rollout::InParallel(int count, absl::FunctionRef<void(int, int)> body) {
  if (lanes_ > 1 && count > 1) return workers_->Run(count, lanes_, body);
  for (int item = 0; item < count; ++item) body(item, 0);
}

// Plans blocks for rows begin..end - 1 of each session, where rows are ordered
// by member. Within a member the rows of all sessions follow one another.
void Rollout::PlanBlocks(const RolloutPlan& plan, int begin, int end) {
  const int members = static_cast<int>(plan.model->dynamics.size());
  const int sessions = static_cast<int>(plan.sessions.size());
  todo_.clear();
  segments_.clear();
  int first = 0;  // The row of the member's first particle.
  for (int b = 0; b < members; ++b) {
    const int size = CeilDivide(plan.particles - b, members);
    const int from = std::max(begin, first), to = std::min(end, first + size);
    if (to > from) {
      const int rows = (to - from) * sessions;
      const int lanes = std::min(lanes_, CeilDivide(rows, kFewestRows));
      const int count = CeilDivide(rows, block_rows_ * lanes) * lanes;
      for (int i = 0; i < count; ++i) {
        const int low = int(int64_t{rows} * i / count);
        const int high = int(int64_t{rows} * (i + 1) / count);
        BlockRows block;
        block.rows = high - low;
        block.member = b;
        block.first_segment = static_cast<int>(segments_.size());
        for (int row = low; row < high;) {
          const int in_session = row % (to - from);
          Segment segment;
          segment.session = row / (to - from);
          segment.first_row = row - low;
          segment.rows = std::min(high - row, to - from - in_session);
          segment.tape_row =
              segment.session * group_rows_ + from - begin + in_session;
          segment.first_particle = b + (from - first + in_session) * members;
          segments_.push_back(segment);
          row += segment.rows;
          ++block.segments;
        }
        todo_.push_back(block);
      }
    }
    first += size;
  }
}

void Rollout::RunBlocks(const RolloutPlan& plan, Stop stop) {
  InParallel(static_cast<int>(todo_.size()), [&](int item, int lane) {
    const BlockRows& block = todo_[item];
    const absl::Span<const Segment> segments =
        absl::MakeConstSpan(segments_).subspan(block.first_segment,
                                               block.segments);
    blocks_[lane].Run(plan, block, segments, returns_, [&] {
      bool all = true;
      for (const Segment& segment : segments) {
        std::atomic<bool>& stopped = stopped_[segment.session];
        if (!stopped && stop(segment.session)) stopped = true;
        all &= stopped;
      }
      return all;
    });
  });
}

void Rollout::Run(RolloutPlan plan, absl::Span<const Target> targets, Stop stop,
                  absl::Span<Result> results) {
  const int sessions = static_cast<int>(plan.sessions.size());
  plan.tape = &tape_;
  PlanGradients(plan);
  for (int i = 0; i < sessions; ++i) stopped_[i] = false;
  const auto all_stopped = [&] {
    return std::all_of(stopped_.begin(), stopped_.begin() + sessions,
                       [](const std::atomic<bool>& s) { return s.load(); });
  };
  for (int begin = 0; begin < plan.particles; begin += group_rows_) {
    const int end = std::min(plan.particles, begin + group_rows_);
    PlanBlocks(plan, begin, end);
    RunBlocks(plan, stop);
    if (all_stopped()) break;
    if (plan.differentiate) {
      SumGradients(plan, end - begin, targets, begin > 0);
    }
  }
  for (int i = 0; i < sessions; ++i) {
    results[i] = Result();
    if (stopped_[i]) continue;
    results[i].complete = true;
    const double* const returns = returns_ + ptrdiff_t{i} * plan.particles;
    for (int m = 0; m < plan.particles; ++m) results[i].objective += returns[m];
    results[i].objective /= plan.particles;
  }
  for (const GradientPart& part : parts_) {
    results[part.session].squared_norm += part.squared_norm;
  }
}

void Rollout::Imagine(Arena& arena, RolloutPlan plan,
                      absl::FunctionRef<bool(int h, Matrix action)> take) {
  plan.particles = 1;
  plan.differentiate = false;
  Prepare(arena, plan, nullptr);
  plan.tape = &tape_;
  PlanBlocks(plan, 0, 1);
  blocks_[0].Imagine(plan, todo_[0], segments_, take);
}

// All sessions' policies have the same shape.
void Rollout::PlanGradients(const RolloutPlan& plan) {
  parts_.clear();
  if (!plan.differentiate) return;
  const int sessions = static_cast<int>(plan.sessions.size());
  const PackedNetwork& policy = *plan.sessions[0].policy;
  for (int session = 0; session < sessions; ++session) {
    for (int layer = 0; layer <= policy.hidden_layers(); ++layer) {
      const int panels = Tiles(policy.layers[layer].outputs);
      for (int panel = 0; panel < panels; panel += kPanelsPerPart) {
        parts_.push_back({session, layer, panel});
      }
    }
  }
}

void Rollout::SumGradients(const RolloutPlan& plan, int rows,
                           absl::Span<const Target> targets, bool accumulate) {
  InParallel(static_cast<int>(parts_.size()), [&](int item, int) {
    GradientPart& part = parts_[item];
    if (stopped_[part.session]) return;
    SumPart(plan, part, targets[part.session], rows, accumulate);
  });
}

// A layer's first part also sums its biases. The norm is computed while the
// gradient is in the cache.
void Rollout::SumPart(const RolloutPlan& plan, GradientPart& part,
                      const Target& target, int rows, bool accumulate) {
  const int session = part.session, l = part.layer;
  const Kernels& kernels = plan.model->kernels;
  const PackedNetwork& policy = *plan.sessions[session].policy;
  const PackedLayer& layer = policy.layers[l];
  const bool head = l == policy.hidden_layers();
  const auto place = [&](const float* parameter) {
    return target.gradient + (parameter - target.psi);
  };
  const auto rows_of = [&](Series series) {
    series.first = series.first.Row(session * group_rows_);
    return series;
  };
  const auto hidden = [&](Series series, int at) {
    series.first = series.first.Tile(policy.hidden_offset[at]);
    return rows_of(series);
  };
  const Series delta =
      head ? rows_of(tape_.head_deltas) : hidden(tape_.deltas, l);
  const Series in = l == 0 ? rows_of(tape_.input) : hidden(tape_.hidden, l - 1);
  WeightGradient g;
  g.steps = plan.horizon + 1;
  g.rows = rows;
  g.panels = Tiles(layer.outputs);
  g.delta = delta.first;
  g.delta_step = delta.step;
  g.accumulate = accumulate;
  part.squared_norm = 0;
  const auto add_norm = [&](const float* values, int tiles) {
    part.squared_norm += kernels.sum_squares(size_t(tiles) * kTile, values);
  };
  if (part.panel == 0) {
    WeightGradient sums = g;
    sums.gradient = place(layer.bias);
    kernels.column_sums(sums);
    add_norm(sums.gradient, g.panels);
    if (policy.layer_norm && !head) {
      sums.delta = hidden(tape_.norm_deltas, l).first;
      sums.gradient = place(layer.norm_bias);
      kernels.column_sums(sums);
      add_norm(sums.gradient, g.panels);
      Series normal = rows_of(tape_.tape);
      sums.in = normal.first.Tile(policy.tape_offset[l] + g.panels);
      sums.in_step = normal.step;
      sums.gradient = place(layer.norm_weight);
      kernels.column_sums(sums);
      add_norm(sums.gradient, g.panels);
    }
  }
  g.inputs = layer.inputs;
  g.in = in.first;
  g.in_step = in.step;
  g.panel_stride = PanelStride(layer.inputs);
  g.panels = std::min(kPanelsPerPart, g.panels - part.panel);
  g.delta = g.delta.Tile(part.panel);
  g.gradient = place(layer.weight) + part.panel * g.panel_stride;
  kernels.weight_gradient(g);
  for (int panel = 0; panel < g.panels; ++panel) {
    add_norm(g.gradient + panel * g.panel_stride, g.inputs);
  }
}

}  // namespace foresight::fused
