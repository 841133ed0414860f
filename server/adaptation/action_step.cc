#include "server/adaptation/action_step.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foresight {
namespace {

using Psi = WorkingPolicies::Psi;

// The measuring step's length |psi' - psi|_2: long enough for float32, in which
// u is exact to about 1e-7, and short enough for u to be nearly linear.
constexpr double kMeasuringLength = 1e-3;
// A step is at most this many times as long as the measuring step. Without this
// limit a step would be very long where g hardly changes u.
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
    // False if `change` is NaN; then guard 1 refuses the step.
    const bool far = change * kMostStretch > wanted;
    trials.factor[i] = far ? wanted / change : kMostStretch;
  }
  trials.Pull(trials.stepping, Psi::kSaved);
}

}  // namespace foresight
