// Computes objectives and gradients of some decisions over all particles.
#pragma once

#include <atomic>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/fused/block.h"

namespace foresight::fused {

// Sessions of one shape are computed together, their particles member by member
// (m = b, b + B, ...), in blocks that may run on any thread; a block reads the
// frozen weights once for all its rows. Many particles are split into groups,
// one after another. A session's weight gradient is summed in the order h, then
// row, whatever the blocks are. So the result is the same to the bit for any
// number of workers and any other sessions.
//
// Not thread-safe. Reusable: once warm it allocates nothing.
class Rollout {
 public:
  // Whether session `i` of the plan has to stop.
  using Stop = absl::FunctionRef<bool(int i)>;

  // The largest number of sessions with these settings that it pays to compute
  // together; >= 1.
  static int SessionLimit(const Model& model,
                          const AdaptationSettings& settings);

  // Takes memory from `arena` for passes like `plan`, with at most SessionLimit
  // sessions. `workers` may be null.
  void Prepare(Arena& arena, const RolloutPlan& plan, Workers* workers);

  struct Result {
    bool complete = false;
    double objective = 0;     // J
    double squared_norm = 0;  // |dJ/dpsi|^2, accumulated in double.
  };
  // The place for a session's gradient, in the layout of model.policy; the
  // padding is left alone. The session's policy is bound to `psi`.
  struct Target {
    const float* psi = nullptr;
    float* gradient = nullptr;
  };
  // Writes dJ/dpsi to `targets` if plan.differentiate; otherwise they may be
  // empty. Asks `stop` before each sampler step; a session for which it ever
  // returns true is incomplete.
  void Run(RolloutPlan plan, absl::Span<const Target> targets, Stop stop,
           absl::Span<Result> results);

  // Calls `take` with the actions a_h [1, A], h = 1..plan.horizon, of one
  // session's first particle, until it returns false. Needs no Prepare.
  void Imagine(Arena& arena, RolloutPlan plan,
               absl::FunctionRef<bool(int h, Matrix action)> take);

 private:
  // Some panels of one layer's weight gradient, for one session.
  struct GradientPart {
    int session = 0;
    int layer = 0;
    int panel = 0;            // The first.
    double squared_norm = 0;  // The finished gradient's.
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
  int group_rows_ = 0;  // Limit for a session; the tape has this many for each.
  int block_rows_ = 0;  // At most.
  PolicyTape tape_;
  std::vector<Block> blocks_;      // One per lane.
  std::vector<BlockRows> todo_;    // The group's blocks.
  std::vector<Segment> segments_;  // The blocks in use.
  std::vector<GradientPart> parts_;
  double* returns_ = nullptr;               // [sessions, M]
  std::vector<std::atomic<bool>> stopped_;  // [sessions]
};

}  // namespace foresight::fused
