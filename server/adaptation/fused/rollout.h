// The objectives of some decisions and their gradients, over all particles.
#pragma once

#include <atomic>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/fused/block.h"

namespace foresight::fused {

// Sessions with the same shape are computed together, particles member by
// member (m = b, b + B, ...) in blocks that run on any thread: the frozen
// weights are read once for all rows of a block. Many particles are taken some
// hundred at a time. A session's weight gradient is summed in the order h, then
// row, whatever the blocks were. So the result is the same to the bit for any
// number of workers and whatever sessions there are besides.
//
// Not thread-safe. Reusable: once warm it allocates nothing.
class Rollout {
 public:
  // Whether session `i` of the plan has to stop.
  using Stop = absl::FunctionRef<bool(int i)>;

  // How many sessions with these settings are worth computing together; >= 1.
  static int SessionLimit(const Model& model,
                          const AdaptationSettings& settings);

  // Takes its memory from `arena` for passes as `plan` says, with at most
  // SessionLimit sessions. `workers` may be null.
  void Prepare(Arena& arena, const RolloutPlan& plan, Workers* workers);

  struct Result {
    bool complete = false;
    double objective = 0;     // J
    double squared_norm = 0;  // |dJ/dpsi|^2, accumulated in double.
  };
  // Where a session's gradient goes, in the layout of model.policy; the padding
  // is left alone. `psi` is what the session's policy is bound to.
  struct Target {
    const float* psi = nullptr;
    float* gradient = nullptr;
  };
  // With plan.differentiate writes dJ/dpsi to `targets`, which may otherwise be
  // empty. Asks `stop` before each sampler step; a session of which it ever
  // says true is incomplete.
  void Run(RolloutPlan plan, absl::Span<const Target> targets, Stop stop,
           absl::Span<Result> results);

  // One session's actions a_h, h = 1..plan.horizon, of its first particle;
  // ends when `take` returns false. Prepares itself. [1, A]
  void Imagine(Arena& arena, RolloutPlan plan,
               absl::FunctionRef<bool(int h, Matrix action)> take);

 private:
  // Some panels of one layer's weight gradient of one session.
  struct GradientPart {
    int session = 0;
    int layer = 0;
    int panel = 0;            // The first.
    double squared_norm = 0;  // Of the finished gradient.
  };

  void PlanBlocks(const RolloutPlan& plan, int begin, int end);
  void RunBlocks(const RolloutPlan& plan, Stop stop);
  void PlanGradients(const RolloutPlan& plan);
  void SumGradients(const RolloutPlan& plan, int rows,
                    absl::Span<const Target> targets, bool accumulate);
  void SumPart(const RolloutPlan& plan, GradientPart& part,
               const Target& target, int rows, bool accumulate);
  void InParallel(int count, absl::FunctionRef<void(int item, int lane)> body);

  Workers* workers_ = nullptr;
  int lanes_ = 1;
  int group_rows_ = 0;  // Of a session, at most; the tape has as many of each.
  int block_rows_ = 0;  // At most.
  PolicyTape tape_;
  std::vector<Block> blocks_;      // One per lane.
  std::vector<BlockRows> todo_;    // Blocks of the group.
  std::vector<Segment> segments_;  // Of the blocks.
  std::vector<GradientPart> parts_;
  double* returns_ = nullptr;               // [sessions, M]
  std::vector<std::atomic<bool>> stopped_;  // [sessions]
};

}  // namespace foresight::fused
