#include "server/adaptation/fused/block.h"

#include <algorithm>
#include <cmath>

#include "server/adaptation/fused/matrix_operations.h"

namespace foresight::fused {

void PolicyTape::Take(Arena& arena, const PackedNetwork& policy, int steps,
                      int rows, int action_tiles) {
  const int states = Tiles(policy.layers.front().inputs);
  input = Series::Take(arena, steps, rows, states);
  hidden = Series::Take(arena, steps, rows, policy.hidden_tiles);
  tape = Series::Take(arena, steps, rows, policy.tape_tiles);
  deltas = Series::Take(arena, steps, rows, policy.hidden_tiles);
  head_deltas = Series::Take(arena, steps, rows, action_tiles);
  norm_deltas = {};
  if (policy.layer_norm) {
    norm_deltas = Series::Take(arena, steps, rows, policy.hidden_tiles);
  }
}

size_t Block::TapeSize(const RolloutPlan& plan) {
  return size_t(plan.horizon) * plan.sampler->steps() *
         plan.model->dynamics.front().body.network.tape_tiles * kTile;
}

void Block::Prepare(Arena& arena, const RolloutPlan& plan, int max_rows) {
  const Model& model = *plan.model;
  const PackedNetwork& dynamics = model.dynamics.front().body.network;
  const PackedNetwork& reward = model.reward.network;
  const PackedNetwork& critic = model.critics.front().network;
  const int rows = max_rows;
  const int states = model.state_tiles, actions = model.action_tiles;
  const int horizon = plan.horizon;
  const int widest = std::max(dynamics.widest, critic.widest);
  const int first = Tiles(dynamics.layers.front().outputs);
  hidden_ = arena.TakeMatrix(rows, 2 * widest);
  for (Matrix* matrix :
       {&state_, &state_adjoint_, &x_, &x_adjoint_, &score_, &score_adjoint_}) {
    *matrix = arena.TakeMatrix(rows, states);
  }
  action_ = arena.TakeMatrix(rows, actions);
  action_adjoint_ = arena.TakeMatrix(rows, actions);
  action_slope_ = Series::Take(arena, horizon + 1, rows, actions);
  // The noise is drawn without its padding, which is cleared here: 0 times an
  // old NaN would be NaN.
  noise_ = Series::Take(arena, plan.sampler->slots, rows, states);
  for (int slot = 0; plan.noisy && slot < plan.sampler->slots; ++slot) {
    Clear(rows, states, noise_.At(slot));
  }
  condition_in_ = arena.TakeMatrix(rows, states + actions);
  condition_delta_ = arena.TakeMatrix(rows, states + actions);
  condition_ = arena.TakeMatrix(rows, first);
  first_deltas_ = arena.TakeMatrix(rows, first);
  if (plan.differentiate) {
    dynamics_tape_ = Series::Take(arena, horizon * plan.sampler->steps(), rows,
                                  dynamics.tape_tiles);
  }
  reward_in_ = arena.TakeMatrix(rows * horizon, states + actions);
  reward_delta_ = arena.TakeMatrix(rows * horizon, states + actions);
  reward_hidden_ = arena.TakeMatrix(rows * horizon, 2 * reward.widest);
  reward_tape_ = arena.TakeMatrix(rows * horizon, reward.tape_tiles);
  reward_ = arena.TakeMatrix(rows * horizon, 1);
  reward_seed_ = arena.TakeMatrix(rows * horizon, 1);
  critic_tape_ = Series::Take(arena, 2, rows, critic.tape_tiles);
  value_ = Series::Take(arena, 2, rows, 1);
  value_seed_ = arena.TakeMatrix(rows, 1);
}

bool Block::Run(const RolloutPlan& plan, const BlockRows& block,
                absl::Span<const Segment> segments, double* returns,
                Stop stop) {
  Begin(plan, block, segments);
  for (int h = 0; h < plan.horizon; ++h) {
    Act(h);
    if (!Transit(h, stop)) return false;
  }
  if (stop()) return false;
  Act(plan.horizon);
  Appraise(returns);
  if (!plan.differentiate) return true;
  if (stop()) return false;
  ActAdjoint(plan.horizon);
  for (int h = plan.horizon - 1; h >= 0; --h) {
    if (!TransitAdjoint(h, stop)) return false;
    ActAdjoint(h);
  }
  return true;
}

void Block::Imagine(const RolloutPlan& plan, const BlockRows& block,
                    absl::Span<const Segment> segments, Take take) {
  const auto never = [] { return false; };
  Begin(plan, block, segments);
  Act(0);
  for (int h = 1; h <= plan.horizon; ++h) {
    Transit(h - 1, never);
    Act(h);
    if (!take(h, action_)) return;
  }
}

void Block::Begin(const RolloutPlan& plan, const BlockRows& block,
                  absl::Span<const Segment> segments) {
  plan_ = &plan;
  model_ = plan.model;
  block_ = block;
  segments_ = segments;
  Clear(block.rows, model_->state_tiles, state_);
  for (const Segment& segment : segments) {
    const absl::Span<const float> s =
        plan.sessions[segment.session].observation;
    const Matrix state = state_.Row(segment.first_row);
    for (int r = 0; r < segment.rows; ++r) {
      for (size_t i = 0; i < s.size(); ++i) {
        state.at(r, static_cast<int>(i)) = s[i];
      }
    }
  }
}

NetworkPass Block::PolicyPass(const Segment& segment, int h) const {
  const PolicyTape& tape = *plan_->tape;
  const int row = segment.tape_row;
  NetworkPass pass;
  pass.kernels = &model_->kernels;
  pass.network = plan_->sessions[segment.session].policy;
  pass.rows = segment.rows;
  pass.keep = true;
  pass.hidden = tape.hidden.At(h, row);
  if (!plan_->differentiate) return pass;
  pass.tape = tape.tape.At(h, row);
  pass.deltas = tape.deltas.At(h, row);
  if (pass.network->layer_norm) pass.norm_deltas = tape.norm_deltas.At(h, row);
  return pass;
}

// a_h = tanh(policy(s_h))
void Block::Act(int h) {
  for (const Segment& segment : segments_) {
    const Matrix input = plan_->tape->input.At(h, segment.tape_row);
    Standardise(segment.rows, model_->state_tiles, model_->policy_input, 0,
                state_.Row(segment.first_row), input);
    Forward(PolicyPass(segment, h), input, action_.Row(segment.first_row));
  }
  model_->kernels.tanh(block_.rows, model_->action_tiles, action_,
                       action_slope_.At(h));
}

// Computes the policy's deltas from a*_h, and s*_h += Jpi_s^T a*_h.
void Block::ActAdjoint(int h) {
  for (const Segment& segment : segments_) {
    const int row = segment.first_row;
    const Matrix delta = plan_->tape->head_deltas.At(h, segment.tape_row);
    Times(segment.rows, model_->action_tiles, action_adjoint_.Row(row),
          action_slope_.At(h, row), delta);
    const Matrix input_delta = h == 0 ? Matrix{} : score_adjoint_.Row(row);
    Backward(PolicyPass(segment, h), delta, input_delta);
  }
  if (h == 0) return;
  AddScaled(block_.rows, model_->state_tiles, model_->policy_input.scale.data(),
            state_adjoint_, score_adjoint_, state_adjoint_);
}

// The place for the return of the segment's row `row`.
double* Block::ReturnOf(double* returns, const Segment& segment,
                        int row) const {
  const int members = static_cast<int>(model_->dynamics.size());
  return returns + ptrdiff_t{segment.session} * plan_->particles +
         segment.first_particle + row * members;
}

// Computes J_m and the adjoints of its terms.
void Block::Appraise(double* returns) {
  AppraiseValues(returns);
  AppraiseRewards(returns);
}

void Block::AppraiseRewards(double* returns) {
  const int rows = block_.rows, horizon = plan_->horizon;
  NetworkPass pass;
  pass.kernels = &model_->kernels;
  pass.network = &model_->reward.network;
  pass.rows = rows * horizon;
  pass.hidden = pass.deltas = reward_hidden_;
  if (plan_->differentiate) pass.tape = reward_tape_;
  Forward(pass, reward_in_, reward_);
  Clear(pass.rows, 1, reward_seed_);
  double weight = 1;  // gamma^h
  for (int h = 0; h < horizon; ++h, weight *= plan_->discount) {
    for (const Segment& segment : segments_) {
      for (int r = 0; r < segment.rows; ++r) {
        *ReturnOf(returns, segment, r) +=
            weight * (model_->reward_mean +
                      model_->reward_std *
                          reward_.at(h * rows + segment.first_row + r, 0));
      }
    }
    for (int r = 0; r < rows; ++r) {
      reward_seed_.at(h * rows + r, 0) =
          static_cast<float>(weight * model_->reward_std / plan_->particles);
    }
  }
  if (!plan_->differentiate) return;
  Backward(pass, reward_seed_, reward_delta_);
  ForEachTile(pass.rows, model_->state_action_tiles, [&](int t, int r) {
    const float* scale = model_->reward_input.scale.data() + t * kTile;
    float* delta = At(reward_delta_, t, r);
    for (int i = 0; i < kTile; ++i) delta[i] *= scale[i];
  });
}

NetworkPass Block::CriticPass(int i) const {
  NetworkPass pass;
  pass.kernels = &model_->kernels;
  pass.network = &model_->critics[i].network;
  pass.rows = block_.rows;
  pass.hidden = pass.deltas = hidden_;
  if (plan_->differentiate) pass.tape = critic_tape_.At(i);
  return pass;
}

// Takes each particle's smaller value; only the winning critic has an adjoint.
void Block::AppraiseValues(double* returns) {
  const int rows = block_.rows, states = model_->state_tiles;
  for (int i = 0; i < 2; ++i) {
    const PackedStandardiser& standardiser = model_->critic_input[i];
    Standardise(rows, states, standardiser, 0, state_, condition_in_);
    Standardise(rows, model_->action_tiles, standardiser, states, action_,
                condition_in_.Tile(states));
    Forward(CriticPass(i), condition_in_, value_.At(i));
  }
  const double weight = std::pow(plan_->discount, plan_->horizon);
  for (const Segment& segment : segments_) {
    for (int r = 0; r < segment.rows; ++r) {
      const int row = segment.first_row + r;
      *ReturnOf(returns, segment, r) =
          weight * value_.At(Winner(row)).at(row, 0);
    }
  }
  if (!plan_->differentiate) return;
  Clear(rows, states, state_adjoint_);
  Clear(rows, model_->action_tiles, action_adjoint_);
  const float seed = static_cast<float>(weight / plan_->particles);
  for (int i = 0; i < 2; ++i) AddValueAdjoint(i, seed);
}

// The critic with the smaller value; the first if both are equal; NaN counts as
// the smallest.
int Block::Winner(int row) const {
  const float q0 = value_.At(0).at(row, 0), q1 = value_.At(1).at(row, 0);
  return q1 < q0 || std::isnan(q1) ? 1 : 0;
}

// Adds critic i's adjoint to s*_H and a*_H in the rows where it wins.
void Block::AddValueAdjoint(int i, float seed) {
  const int rows = block_.rows, states = model_->state_tiles;
  bool any = false;
  Clear(rows, 1, value_seed_);
  for (int r = 0; r < rows; ++r) {
    if (Winner(r) != i) continue;
    value_seed_.at(r, 0) = seed;
    any = true;
  }
  if (!any) return;
  Backward(CriticPass(i), value_seed_, condition_delta_);
  // Row by row, since another row's slope need not be finite.
  const float* scale = model_->critic_input[i].scale.data();
  for (int r = 0; r < rows; ++r) {
    if (Winner(r) != i) continue;
    const Matrix s = state_adjoint_.Row(r), a = action_adjoint_.Row(r);
    AddScaled(1, states, scale, s, condition_delta_.Row(r), s);
    AddScaled(1, model_->action_tiles, scale + states * kTile, a,
              condition_delta_.Tile(states).Row(r), a);
  }
}

}  // namespace foresight::fused
