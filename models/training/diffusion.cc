#include "models/training/diffusion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mse_loss.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <utility>

#include "models/data/normaliser.h"

namespace foresight {
namespace {

constexpr float kSmallestInputStd = 1e-3f;
constexpr float kSmallestOutputStd = 1e-4f;

}  // namespace

DiffusionTrainer::DiffusionTrainer(const DynamicsRecipe& recipe, int S, int A,
                                   const Transitions& training,
                                   std::vector<RecordedRollouts> held_out,
                                   at::TensorOptions options)
    : Trainer(recipe.schedule.seed),
      recipe_(recipe),
      denoiser_(Denoiser::Random(recipe, S, A, random(), options)),
      held_out_(std::move(held_out)),
      average_(denoiser_.mlp.Parameters(), recipe.schedule.average),
      adam_(denoiser_.mlp.Parameters(),
            {recipe.schedule.learning_rate, recipe.schedule.final_fraction,
             recipe.schedule.steps}) {
  const Normaliser states =
      FitNormaliser(training.states, S, kSmallestInputStd);
  const Normaliser actions =
      FitNormaliser(training.actions, A, kSmallestInputStd);
  const Normaliser change = FitDifferenceNormaliser(
      training.states, training.next_states, S, kSmallestOutputStd);
  const auto vector = [&](const std::vector<float>& values) {
    return RowsToTensor(values, 0, options);
  };
  denoiser_.input_mean = at::cat({vector(states.mean), vector(actions.mean)});
  denoiser_.input_std = at::cat({vector(states.std), vector(actions.std)});
  denoiser_.output_mean = vector(change.mean);
  denoiser_.output_std = vector(change.std);
  const at::Tensor s = RowsToTensor(training.states, S, options);
  inputs_ = denoiser_.Inputs(s, RowsToTensor(training.actions, A, options));
  changes_ = (RowsToTensor(training.next_states, S, options) - s -
              denoiser_.output_mean) /
             denoiser_.output_std;
  std::vector<float> signal, noise;
  for (const double alpha_bar : denoiser_.schedule.alpha_bar) {
    signal.push_back(static_cast<float>(std::sqrt(alpha_bar)));
    noise.push_back(static_cast<float>(std::sqrt(1 - alpha_bar)));
  }
  signal_ = vector(signal);
  noise_ = vector(noise);
}

at::Tensor DiffusionTrainer::Update() {
  const int64_t batch = recipe_.schedule.batch;
  const auto device = inputs_.device();
  const at::Tensor rows = RandomRows(inputs_.size(0), batch).to(device);
  const at::Tensor k = RandomRows(recipe_.sampler_steps, batch).to(device);
  const at::Tensor noise = RandomNormal({batch, changes_.size(1)}).to(device);
  const at::Tensor u = signal_.index_select(0, k).unsqueeze(-1) *
                           changes_.index_select(0, rows) +
                       noise_.index_select(0, k).unsqueeze(-1) * noise;
  const at::Tensor loss = at::mse_loss(
      denoiser_.Predict(u, inputs_.index_select(0, rows), k), noise);
  adam_.Step(torch::autograd::grad({loss}, denoiser_.mlp.Parameters()));
  average_.Update();
  return loss.detach();
}

Measurements DiffusionTrainer::Evaluate() const {
  const at::NoGradGuard no_grad;
  Denoiser average = denoiser_;
  average.mlp = denoiser_.mlp.WithParameters(average_.values());
  Measurements measurements;
  for (const RecordedRollouts& rollouts : held_out_) {
    const RegressionError error = MeasureRollouts(
        rollouts, recipe_.sampler_steps,
        [&](const at::Tensor& s, const at::Tensor& a, const at::Tensor& z) {
          return average.Sample(s, a, z);
        });
    for (auto& named : NameError("state_rmse", rollouts.steps(), error)) {
      measurements.push_back(std::move(named));
    }
  }
  return measurements;
}

TensorDict DiffusionTrainer::Tensors() const {
  TensorDict tensors = MlpTensors("dynamics.0", denoiser_.mlp);
  tensors.merge(MlpTensors("average.dynamics.0",
                           denoiser_.mlp.WithParameters(average_.values())));
  tensors.merge(adam_.State("adam.dynamics"));
  tensors["constant.dynamics.input.mean"] = denoiser_.input_mean;
  tensors["constant.dynamics.input.std"] = denoiser_.input_std;
  tensors["constant.dynamics.output.mean"] = denoiser_.output_mean;
  tensors["constant.dynamics.output.std"] = denoiser_.output_std;
  return tensors;
}

}  // namespace foresight
