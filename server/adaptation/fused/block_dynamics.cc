// The part of a block's rollout that goes through the dynamics, nine tenths of
// the work.
#include "server/adaptation/fused/block.h"
#include "server/adaptation/fused/matrix_operations.h"

namespace foresight::fused {

NetworkPass Block::DynamicsPass(int h, int j) const {
  NetworkPass pass;
  pass.kernels = &model_->kernels;
  pass.network = &model_->dynamics[block_.member].body.network;
  pass.rows = block_.rows;
  pass.hidden = pass.deltas = hidden_;
  pass.first_add = condition_;
  pass.first_bias = plan_->sampler->time_bias[block_.member][j].data();
  if (plan_->differentiate) {
    pass.tape = dynamics_tape_.At(h * plan_->sampler->steps() + j);
  }
  return pass;
}

void Block::DrawNoise(int h) {
  for (const Segment& segment : segments_) {
    const DecisionNoise& noise = plan_->sessions[segment.session].noise;
    NoiseBlock draw;
    draw.key[0] = static_cast<uint32_t>(noise.seed);
    draw.key[1] = static_cast<uint32_t>(noise.seed >> 32);
    draw.transition = uint32_t(h) << 16;
    if (noise.bank == NoiseBank::kAcceptance) {
      draw.transition += kAcceptanceSlots;
    }
    draw.decision = static_cast<uint32_t>(noise.decision);
    draw.first_particle = segment.first_particle;
    draw.particle_step = static_cast<uint32_t>(model_->dynamics.size());
    draw.scale = noise.scale;
    model_->kernels.noise(draw, plan_->sampler->slots, segment.rows,
                          model_->bundle->observation_size(),
                          noise_.At(0, segment.first_row), noise_.step);
  }
}

// Computes the part of the first layer that all sampler steps of a transition
// share.
void Block::Condition(int h) {
  const int rows = block_.rows, states = model_->state_tiles;
  const int actions = model_->action_tiles;
  const auto join = [&](const PackedStandardiser& standardiser, Matrix out) {
    Standardise(rows, states, standardiser, 0, state_, out);
    Standardise(rows, actions, standardiser, states, action_, out.Tile(states));
  };
  join(model_->reward_input, reward_in_.Row(h * rows));
  join(model_->dynamics_input, condition_in_);
  model_->kernels.multiply(
      ForwardProduct(model_->dynamics[block_.member].condition, rows,
                     condition_in_, condition_));
  if (plan_->noisy) DrawNoise(h);
}

// s_{h+1} = s_h + output.mean + output.std x, with x from the sampler. Like the
// two functions below it returns false if it had to stop.
bool Block::Transit(int h, Stop stop) {
  const int rows = block_.rows, states = model_->state_tiles;
  const SamplerPlan& sampler = *plan_->sampler;
  const bool noisy = plan_->noisy;
  Condition(h);
  if (noisy) {
    Scale(rows, states, 1, noise_.At(0), x_);
  } else {
    Clear(rows, states, x_);
  }
  for (int j = 0; j < sampler.steps(); ++j) {
    if (stop()) return false;
    Forward(DynamicsPass(h, j), x_, score_);
    Combine(rows, states, sampler.c1[j], x_, -sampler.c2[j], score_);
    if (noisy && sampler.sigma[j] != 0) {
      Combine(rows, states, 1, x_, sampler.sigma[j], noise_.At(j + 1));
    }
  }
  const PackedStandardiser& output = model_->dynamics_output;
  ForEachTile(rows, states, [&](int t, int r) {
    float* s = At(state_, t, r);
    const float* x = At(x_, t, r);
    const float* mean = output.mean.data() + t * kTile;
    const float* std = output.inverse.data() + t * kTile;
    for (int i = 0; i < kTile; ++i) s[i] += mean[i] + std[i] * x[i];
  });
  return true;
}

// Writes J_f^T s*_{h+1}, without the "s +" in s_{h+1}, to condition_delta_, in
// units of the dynamics' standardised input.
bool Block::SampleAdjoint(int h, Stop stop) {
  const int rows = block_.rows, states = model_->state_tiles;
  const SamplerPlan& sampler = *plan_->sampler;
  const PackedLayer& condition = model_->dynamics[block_.member].condition;
  const int first = Tiles(condition.outputs);
  Clear(rows, states, x_adjoint_);
  AddScaled(rows, states, model_->dynamics_output.inverse.data(), x_adjoint_,
            state_adjoint_, x_adjoint_);
  Clear(rows, first, first_deltas_);
  for (int j = sampler.steps() - 1; j >= 0; --j) {
    if (stop()) return false;
    Scale(rows, states, -sampler.c2[j], x_adjoint_, score_adjoint_);
    const Matrix deltas = Backward(DynamicsPass(h, j), score_adjoint_, score_);
    model_->kernels.add(rows, first, first_deltas_, deltas);
    Combine(rows, states, sampler.c1[j], x_adjoint_, 1, score_);
  }
  model_->kernels.multiply(
      AdjointProduct(condition, rows, first_deltas_, condition_delta_));
  return true;
}

// Computes a*_h from s*_{h+1}, and s*_h without the policy's part.
bool Block::TransitAdjoint(int h, Stop stop) {
  const int rows = block_.rows, states = model_->state_tiles;
  if (!SampleAdjoint(h, stop)) return false;
  const float* scale = model_->dynamics_input.scale.data();
  const Matrix reward_delta = reward_delta_.Row(h * rows);
  AddScaled(rows, states, scale, state_adjoint_, condition_delta_,
            state_adjoint_);
  model_->kernels.add(rows, states, state_adjoint_, reward_delta);
  AddScaled(rows, model_->action_tiles, scale + states * kTile,
            reward_delta.Tile(states), condition_delta_.Tile(states),
            action_adjoint_);
  return true;
}

}  // namespace foresight::fused
