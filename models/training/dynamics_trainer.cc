#include "models/training/dynamics_trainer.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>

namespace foresight {

DynamicsTrainer::DynamicsTrainer(const DynamicsRecipe& recipe, int S, int A,
                                 const Transitions& training,
                                 at::Tensor weights,
                                 std::vector<RecordedRollouts> held_out,
                                 at::TensorOptions options)
    : Trainer(recipe.schedule.seed, options.device()),
      batch_(recipe.schedule.batch),
      model_(MakeDynamicsModel(recipe, S, A, random(), options)),
      standardiser_(DynamicsStandardiser::Fit(training, S, A, options)),
      weights_(std::move(weights)),
      held_out_(std::move(held_out)),
      average_(model_->mlp().Parameters(), recipe.schedule.average),
      adam_(model_->mlp().Parameters(),
            {recipe.schedule.learning_rate, recipe.schedule.final_fraction,
             recipe.schedule.steps}) {
  const at::Tensor s = RowsToTensor(training.states, S, options);
  inputs_ = standardiser_.Inputs(s, RowsToTensor(training.actions, A, options));
  changes_ =
      standardiser_.Changes(s, RowsToTensor(training.next_states, S, options));
}

at::Tensor DynamicsTrainer::Update() {
  const at::Tensor rows = RandomRows(inputs_.size(0), batch_);
  const at::Tensor weights =
      weights_.defined() ? weights_.index_select(0, rows) : at::Tensor();
  const at::Tensor loss =
      model_->Loss(inputs_.index_select(0, rows),
                   changes_.index_select(0, rows), weights, random());
  adam_.Step(torch::autograd::grad({loss}, model_->mlp().Parameters()));
  average_.Update();
  return loss.detach();
}

Mlp DynamicsTrainer::AveragedMlp() const {
  return model_->mlp().WithParameters(average_.values());
}

Measurements DynamicsTrainer::Evaluate() const {
  const at::NoGradGuard no_grad;
  const Mlp average = AveragedMlp();
  Measurements measurements;
  for (const RecordedRollouts& rollouts : held_out_) {
    const RegressionError error = MeasureRollouts(
        rollouts, model_->slots(),
        [&](const at::Tensor& s, const at::Tensor& a, const at::Tensor& z) {
          return standardiser_.Next(
              s, model_->Sample(average, standardiser_.Inputs(s, a), z));
        });
    for (auto& named : NameError("state_rmse", rollouts.steps(), error)) {
      measurements.push_back(std::move(named));
    }
  }
  return measurements;
}

TensorDict DynamicsTrainer::Tensors() const {
  TensorDict tensors = MlpTensors("dynamics.0", model_->mlp());
  tensors.merge(MlpTensors("average.dynamics.0", AveragedMlp()));
  tensors.merge(adam_.State("adam.dynamics"));
  tensors.merge(standardiser_.Tensors());
  return tensors;
}

}  // namespace foresight
