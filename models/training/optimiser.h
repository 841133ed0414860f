// Turns gradients into weights: Adam with a cosine decay, and the running
// average of the weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/training/tensor_file.h"

namespace foresight {

// learning_rate * (f + (1 - f) (1 + cos(pi t / steps)) / 2) before update
// t = 0, 1, ..; from t = steps on it stays at f * learning_rate.
double CosineDecay(double learning_rate, double f, int64_t t, int64_t steps);

// Kingma and Ba's Adam (beta 0.9 and 0.999, eps 1e-8). Changes `parameters`,
// whose storage it shares, in place. Not thread-safe.
class Adam {
 public:
  struct Options {
    double learning_rate = 1e-3;  // > 0.
    double final_fraction = 1;    // In (0, 1]; CosineDecay's f.
    int64_t steps = 1;            // The decay's length, >= 1.
  };
  Adam(std::vector<at::Tensor> parameters, Options options);

  // One update; `gradients` has the shapes of the parameters.
  void Step(const std::vector<at::Tensor>& gradients);

  // Everything that the next Step depends on except the parameters, with names
  // that begin with `prefix`. The tensors share this object's storage.
  TensorDict State(const std::string& prefix) const;

 private:
  std::vector<at::Tensor> parameters_, first_moments_, second_moments_;
  std::vector<at::Tensor> updates_;  // float32 scalars, all equal.
  at::Tensor update_count_;          // int64 scalar.
  Options options_;
};

// average <- decay * average + (1 - decay) * parameter, starting from the
// parameters at construction. Not thread-safe.
class RunningAverage {
 public:
  RunningAverage(std::vector<at::Tensor> parameters, double decay);
  void Update();
  // The averages in the order of the parameters; copies share their storage.
  const std::vector<at::Tensor>& values() const { return averages_; }

 private:
  std::vector<at::Tensor> parameters_, averages_;
  double decay_;
};

}  // namespace foresight
