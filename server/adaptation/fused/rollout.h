// The objective of one decision and its gradient, over all particles.
#pragma once

#include <atomic>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/fused/block.h"

namespace foresight::fused {

// Particles are taken member by member (m = b, b + B, ...), some hundred rows
// at a time, each such group in blocks that run on any thread. A group's weight
// gradient is summed in the order h, then row, whatever the blocks were. So
// the result is the same to the bit for any number of workers.
//
// Not thread-safe. Reusable: once warm it allocates nothing.
class Rollout {
 public:
  using Stop = absl::FunctionRef<bool()>;

  // Takes its memory from `arena` for decisions as `plan` says (but for its
  // policy, noise bank and flags, which each Run may choose). `workers` may be
  // null.
  void Prepare(Arena& arena, const RolloutPlan& plan, Workers* workers);

  struct Result {
    bool complete = false;
    double objective = 0;  // J
  };
  // With plan.differentiate writes dJ/dpsi in the layout of model.policy to
  // `gradient`, whose padding is left alone; `psi` is what plan.policy is bound
  // to. Asks `stop` between transitions; incomplete if it ever says true.
  Result Run(RolloutPlan plan, const float* psi, float* gradient, Stop stop);

 private:
  void PlanBlocks(const RolloutPlan& plan, int begin, int end);
  void RunBlocks(const RolloutPlan& plan, Stop stop);
  void SumGradient(const RolloutPlan& plan, int rows, const float* psi,
                   float* gradient, bool accumulate);
  void InParallel(absl::FunctionRef<void(int lane)> body);

  Workers* workers_ = nullptr;
  int lanes_ = 1;
  int group_rows_ = 0;  // At most; and the policy tape's.
  int block_rows_ = 0;  // At most.
  PolicyTape tape_;
  std::vector<Block> blocks_;    // One per lane.
  std::vector<BlockRows> todo_;  // Blocks of the group.
  double* returns_ = nullptr;    // [M]
  std::atomic<int> next_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace foresight::fused
