#include "server/adaptation/decision_loop.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "server/adaptation/guards.h"

namespace foresight {
namespace {

using Psi = WorkingPolicies::Psi;

bool Any(int, const Trial&) { return true; }

// The nearest float that is finite: a norm of floats may lie beyond them.
float Saturated(double x) {
  return static_cast<float>(std::clamp<double>(x, -FLT_MAX, FLT_MAX));
}

bool IsFinite(const WorkingPolicies::Evaluation& evaluation) {
  return std::isfinite(static_cast<float>(evaluation.objective)) &&
         std::isfinite(evaluation.gradient_norm);
}

Outcome OutcomeOf(const Trial& trial) {
  if (trial.non_finite) return Outcome::kNonFinite;
  if (trial.rejected) return Outcome::kRejected;
  if (trial.report.steps_done == 0) return Outcome::kFrozen;
  if (trial.truncated) return Outcome::kTruncated;
  if (trial.limited) return Outcome::kLimited;
  return Outcome::kAdapted;
}

// eta min(1, c / |g|)
double StepScale(const AdaptationSettings& settings, double gradient_norm) {
  const double limit = settings.max_gradient_norm;
  if (limit == 0 || gradient_norm <= limit) return settings.step_size;
  return settings.step_size * (limit / gradient_norm);
}

}  // namespace

void DecisionLoop::Run(absl::Span<Problem* const> problems,
                       WorkingPolicies& policies) {
  Begin(problems, policies);
  const StopSignals stop(problems_, clock_);
  while (SelectStepping()) TakeStep(stop);
  End();
}

void DecisionLoop::Begin(absl::Span<Problem* const> problems,
                         WorkingPolicies& policies) {
  problems_ = problems;
  trials_.Begin(problems, policies);
  ActFrozen();
}

bool DecisionLoop::WantsStep(int i) const {
  const Trial& trial = trials_[i];
  return trial.alive && trial.stepping &&
         trial.report.steps_done < trial.report.steps_requested;
}

void DecisionLoop::TakeSteps() {
  const StopSignals stop(problems_, clock_);
  trials_.Select(trials_.list,
                 [this](int i, const Trial&) { return WantsStep(i); });
  TakeStep(stop);
}

void DecisionLoop::End() {
  const StopSignals stop(problems_, clock_);
  for (int i = 0; i < trials_.size(); ++i) {
    if (WantsStep(i)) trials_[i].truncated = true;
  }
  LimitDrift(trials_);
  LimitActionChange(trials_);
  JudgeImprovement(trials_, stop);
  ChooseActions();
  EvaluateAfter(stop);
  trials_.FailCancelled(stop);
  Finish();
}

// The answer of last resort: a problem without it has none.
void DecisionLoop::ActFrozen() {
  if (!trials_.Select(trials_.list, Any)) return;
  trials_.policies().Act(trials_.list, Psi::kPretrained,
                         absl::MakeSpan(trials_.frozen_action));
  for (const int i : trials_.list) {
    trials_[i].report.steps_requested = trials_.settings(i).steps;
    if (trials_.ActionIsFinite(trials_.frozen_action, i)) continue;
    trials_.Fail(i, absl::InvalidArgumentError(
                        "observation is too large: expected one for which the "
                        "frozen policy's action is finite"));
  }
}

// Ends the stepping of what is done or out of time; false when none is left.
bool DecisionLoop::SelectStepping() {
  const absl::Time now = clock_();
  return trials_.Select(trials_.list, [&](int i, Trial& trial) {
    const AdaptationSettings& settings = trials_.settings(i);
    if (trial.report.steps_done == settings.steps) trial.stepping = false;
    if (!trial.stepping) return false;
    absl::Duration reserve = absl::ZeroDuration();
    if (settings.accept_only_improvement) reserve = 2 * trial.last_step;
    if (now < trials_.problem(i).deadline - reserve) return true;
    trial.truncated = true;
    return trial.stepping = false;
  });
}

void DecisionLoop::TakeStep(const StopSignals& stop) {
  const absl::Time begin = clock_();
  trials_.policies().Differentiate(trials_.list, stop,
                                   absl::MakeSpan(trials_.before));
  trials_.FailCancelled(stop);
  SelectDifferentiated();
  if (trials_.list.empty()) return;
  Ascend();
  const absl::Duration taken = clock_() - begin;
  for (const int i : trials_.list) trials_[i].last_step = taken;
}

// Guard 1 takes back what is not finite.
void DecisionLoop::Ascend() {
  trials_.policies().Ascend(trials_.list, trials_.factor);
  for (const int i : trials_.list) {
    trials_[i].action_known = trials_[i].drift_known = false;
  }
  trials_.KnowDrift(trials_.list);
  trials_.KnowActions(trials_.list);
  trials_.failed.clear();
  for (const int i : trials_.list) {
    Trial& trial = trials_[i];
    if (!std::isfinite(trials_.drift[i]) ||
        !trials_.ActionIsFinite(trials_.action, i)) {
      trials_.failed.push_back(i);
      trial.non_finite = true;
      trial.stepping = trial.action_known = trial.drift_known = false;
      continue;
    }
    const WorkingPolicies::Evaluation& evaluation = trials_.before[i];
    if (trial.report.steps_done++ == 0) {
      trial.report.objective_before = Saturated(evaluation.objective);
    }
    trial.report.gradient_norm = Saturated(evaluation.gradient_norm);
    trial.changed = true;
  }
  if (!trials_.failed.empty()) trials_.policies().Retract(trials_.failed);
}

// Leaves in the list what may ascend, and in `factor` how far.
void DecisionLoop::SelectDifferentiated() {
  trials_.Select(trials_.list, [&](int i, Trial& trial) {
    if (!trial.stepping) return false;
    const WorkingPolicies::Evaluation& evaluation = trials_.before[i];
    trials_.problem(i).step_was_cut = !evaluation.complete;
    if (!evaluation.complete) {
      trial.truncated = true;
      return trial.stepping = false;
    }
    if (!IsFinite(evaluation)) {
      trial.non_finite = true;
      return trial.stepping = false;
    }
    trials_.factor[i] =
        StepScale(trials_.settings(i), evaluation.gradient_norm);
    return true;
  });
}

// The working policy's; if that is not finite psi_start's, then the frozen one.
void DecisionLoop::ChooseActions() {
  if (!trials_.Select(trials_.list, Any)) return;
  trials_.KnowActions(trials_.list);
  const auto not_finite = [this](int i, Trial& trial) {
    if (trials_.ActionIsFinite(trials_.action, i)) return false;
    return trial.non_finite = true;
  };
  if (!trials_.Select(trials_.failed, not_finite)) return;
  trials_.Undo(trials_.failed);
  trials_.KnowActions(trials_.failed);
  trials_.Select(trials_.failed, not_finite);
  const int size = trials_.policies().action_size();
  for (const int i : trials_.failed) {
    std::copy_n(trials_.frozen_action.begin() + i * size, size,
                trials_.action.begin() + i * size);
  }
}

void DecisionLoop::EvaluateAfter(const StopSignals& stop) {
  if (!trials_.Select(trials_.list, [this](int i, const Trial&) {
        return trials_.problem(i).report_objective_after;
      })) {
    return;
  }
  trials_.policies().Evaluate(trials_.list, Psi::kWorking,
                              NoiseBank::kAdaptation, stop,
                              absl::MakeSpan(trials_.after));
  for (const int i : trials_.list) {
    const WorkingPolicies::Evaluation& after = trials_.after[i];
    if (!after.complete || !IsFinite(after)) continue;
    trials_[i].report.objective_after = Saturated(after.objective);
  }
}

void DecisionLoop::Finish() {
  if (!trials_.Select(trials_.list, Any)) return;
  trials_.KnowDrift(trials_.list);
  trials_.policies().Commit(trials_.list);
  const int size = trials_.policies().action_size();
  for (const int i : trials_.list) {
    Report& report = trials_[i].report;
    report.outcome = OutcomeOf(trials_[i]);
    report.action_change = trials_.ActionDistance(trials_.frozen_action, i);
    report.drift = Saturated(trials_.drift[i]);
    absl::StatusOr<Decision>& decision = trials_.problem(i).decision_or;
    if (!decision.ok()) decision.emplace();
    decision->report = report;
    decision->action.resize(size);
    for (int j = 0; j < size; ++j) {
      decision->action[j] =
          std::clamp(trials_.action[i * size + j], -1.0f, 1.0f);
    }
  }
}

}  // namespace foresight
