// The imagined rollout of a few particles of one or more sessions, forward and
// back (docs/method.md section 3, "Reverse"). Everything that a block touches
// besides the weights stays in the cache, so a decision is computed block by
// block, not layer by layer.
#pragma once

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "server/adaptation/fused/buffer.h"
#include "server/adaptation/fused/model.h"
#include "server/adaptation/fused/network_pass.h"
#include "server/adaptation/noise.h"

namespace foresight::fused {

// Matrices 0..count - 1 of one shape.
struct Series {
  Matrix first;
  ptrdiff_t step = 0;  // Floats from one matrix to the next.

  Matrix At(int i) const { return {first.data + i * step, first.stride}; }
  Matrix At(int i, int row) const { return At(i).Row(row); }

  static Series Take(Arena& arena, int count, int rows, int tiles) {
    const ptrdiff_t size = ptrdiff_t{rows} * tiles * kTile;
    return {{arena.Take(count * size), ptrdiff_t{rows} * kTile}, size};
  }
};

// The values from which psi's gradient is summed, for all rows that are summed
// at once and for h = 0..H. Each block fills its own rows.
struct PolicyTape {
  Series input;        // [rows, S] standardised states
  Series hidden;       // [rows, hidden tiles]
  Series tape;         // [rows, tape tiles]
  Series deltas;       // [rows, hidden tiles]
  Series norm_deltas;  // [rows, hidden tiles]; only with layer norm.
  Series head_deltas;  // [rows, A]

  void Take(Arena& arena, const PackedNetwork& policy, int steps, int rows,
            int action_tiles);
};

// A session's part of a pass.
struct SessionRollout {
  absl::Span<const float> observation;  // [S]
  DecisionNoise noise;
  const PackedNetwork* policy = nullptr;
};

// The settings that all blocks of one pass over the particles share.
struct RolloutPlan {
  const Model* model = nullptr;
  const SamplerPlan* sampler = nullptr;
  absl::Span<const SessionRollout> sessions;
  int horizon = 0;    // H
  int particles = 0;  // M of each session
  double discount = 1;
  bool noisy = true;  // False: the noise's scale is 0 for all sessions.
  const PolicyTape* tape = nullptr;
  bool differentiate = false;
};

// Particles first_particle + B i, i = 0..rows - 1, of one session. The block's
// row first_row + i is row tape_row + i of the policy's tape.
struct Segment {
  int session = 0;
  int first_row = 0;
  int rows = 0;
  int tape_row = 0;
  int first_particle = 0;
};

// Rows of dynamics member `member`.
struct BlockRows {
  int rows = 0;
  int member = 0;
  int first_segment = 0;  // In the list of all blocks' segments.
  int segments = 0;
};

// The memory of one block at a time, and the rollout on it.
//
// Not thread-safe: one for each thread.
class Block {
 public:
  // Takes memory for blocks of at most `max_rows` from `arena`.
  void Prepare(Arena& arena, const RolloutPlan& plan, int max_rows);

  // Floats of the dynamics' tape for each row of a block.
  static size_t TapeSize(const RolloutPlan& plan);

  using Stop = absl::FunctionRef<bool()>;
  using Take = absl::FunctionRef<bool(int h, Matrix action)>;

  // Rolls out and writes J_m of session i to returns[i M + m]. If it
  // differentiates, it also writes the block's rows of the policy's tape, with
  // the adjoints seeded by 1 / M. Asks `stop` before each sampler step, forward
  // and back; returns false if it had to stop. The frozen networks take all
  // rows at once, a policy only the rows of its session.
  bool Run(const RolloutPlan& plan, const BlockRows& block,
           absl::Span<const Segment> segments, double* returns, Stop stop);

  // Takes the policies through plan.horizon transitions and calls
  // take(h, a_h [rows, A]) with h = 1..H, until it returns false.
  void Imagine(const RolloutPlan& plan, const BlockRows& block,
               absl::Span<const Segment> segments, Take take);

 private:
  void Begin(const RolloutPlan& plan, const BlockRows& block,
             absl::Span<const Segment> segments);
  void Act(int h);
  bool Transit(int h, Stop stop);
  void Condition(int h);
  void DrawNoise(int h);
  void Appraise(double* returns);
  void AppraiseRewards(double* returns);
  void AppraiseValues(double* returns);
  int Winner(int row) const;
  void AddValueAdjoint(int i, float seed);
  bool TransitAdjoint(int h, Stop stop);
  bool SampleAdjoint(int h, Stop stop);
  void ActAdjoint(int h);

  double* ReturnOf(double* returns, const Segment& segment, int row) const;
  NetworkPass PolicyPass(const Segment& segment, int h) const;
  NetworkPass DynamicsPass(int h, int j) const;
  NetworkPass CriticPass(int i) const;

  const RolloutPlan* plan_ = nullptr;
  const Model* model_ = nullptr;
  BlockRows block_;
  absl::Span<const Segment> segments_;
  Matrix hidden_;                                 // Two layers, alternately.
  Matrix state_, state_adjoint_;                  // [rows, S]
  Matrix action_, action_adjoint_;                // [rows, A]
  Series action_slope_;                           // [H + 1] of [rows, A]
  Series noise_;                                  // [slots] of [rows, S]
  Matrix x_, x_adjoint_, score_, score_adjoint_;  // [rows, S]
  Matrix condition_in_, condition_delta_;         // [rows, S + A]
  Matrix condition_, first_deltas_;               // [rows, first width]
  Series dynamics_tape_;                          // [H J] of [rows, tape tiles]
  Matrix reward_in_, reward_delta_;               // [H rows, S + A]
  Matrix reward_hidden_, reward_tape_, reward_, reward_seed_;
  Series critic_tape_, value_;  // [2] of [rows, ...]
  Matrix value_seed_;           // [rows, 1]
};

}  // namespace foresight::fused
