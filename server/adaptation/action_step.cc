#include "server/adaptation/action_step.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foresight {
namespace {

using Psi = WorkingPolicies::Psi;

// |psi' - psi|_2 of the step that measures: long enough for float32, which
// carries u to about 1e-7, and short enough for u to be nearly linear in it.
constexpr double kMeasuringLength = 1e-3;
// A step is at most this many times as long as the one that measures: where g
// hardly changes u, delta alone would lead far.
constexpr double kMostStretch = 3;

void Select(Trials& trials, std::vector<int>& stepping) {
  stepping.clear();
  for (const int i : trials.list) {
    if (trials.settings(i).action_step > 0) stepping.push_back(i);
  }
}

}  // namespace

double MeasuringScale(double gradient_norm) {
  return gradient_norm > 0 ? kMeasuringLength / gradient_norm : 0;
}

void BeginActionSteps(Trials& trials) {
  Select(trials, trials.stepping);
  if (trials.stepping.empty()) return;
  trials.policies().ActBeforeTanh(trials.stepping, Psi::kWorking,
                                  absl::MakeSpan(trials.output_before));
}

void FinishActionSteps(Trials& trials) {
  if (trials.stepping.empty()) return;
  trials.policies().ActBeforeTanh(trials.stepping, Psi::kWorking,
                                  absl::MakeSpan(trials.output));
  for (const int i : trials.stepping) {
    const AdaptationSettings& settings = trials.settings(i);
    const double change = trials.OutputChange(i);
    const double wanted = double{settings.action_step} / settings.steps;
    // False for a change that is not a number: guard 1 refuses the step.
    const bool far = change * kMostStretch > wanted;
    trials.factor[i] = far ? wanted / change : kMostStretch;
  }
  trials.Pull(trials.stepping, Psi::kSaved);
}

}  // namespace foresight
