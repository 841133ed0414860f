#include "server/adaptation/decision_batch.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/adaptation/action_step.h"
#include "server/adaptation/guards.h"

namespace foresight {
namespace {

using Psi = WorkingPolicies::Psi;

bool Any(int, const Trial&) { return true; }

// The nearest finite float; a norm of floats may be larger.
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
  if (trial.report.steps_done < trial.report.steps_requested) {
    return Outcome::kTruncated;
  }
  if (trial.limited) return Outcome::kLimited;
  return Outcome::kAdapted;
}

// eta min(1, c / |g|), or the measuring step's scale with an action_step.
double StepScale(const AdaptationSettings& settings, double gradient_norm) {
  if (settings.action_step > 0) return MeasuringScale(gradient_norm);
  const double limit = settings.max_gradient_norm;
  if (limit == 0 || gradient_norm <= limit) return settings.step_size;
  return settings.step_size * (limit / gradient_norm);
}

}  // namespace

DecisionBatch::DecisionBatch(std::unique_ptr<WorkingPolicies> policies,
                             const Clock& clock)
    : policies_(std::move(policies)), clock_(clock), trials_(*policies_) {}

bool DecisionBatch::Admit(Problem* problem) {
  problem->timing = StepTiming();
  int place = -1;
  bool begun = false;
  absl::Status refusal;
  const absl::Status failure = policies_->Try([&] {
    refusal = policies_->Check(*problem);
    if (!refusal.ok()) return;
    place = trials_.Add(problem);
    places_.reserve(trials_.problems().size());
    policies_->Begin(place, *problem);
    begun = true;
    refusal = ActFrozen(place);
  });
  if (failure.ok() && refusal.ok()) return true;
  if (begun) policies_->End(place);
  if (place >= 0) trials_.Remove(place);
  problem->decision_or = failure.ok() ? refusal : failure;
  return false;
}

// Computes the answer of last resort. A problem without it is refused.
absl::Status DecisionBatch::ActFrozen(int i) {
  trials_[i].report.steps_requested = trials_.settings(i).steps;
  policies_->Act({&i, 1}, Psi::kPretrained,
                 absl::MakeSpan(trials_.frozen_action));
  if (trials_.ActionIsFinite(trials_.frozen_action, i)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "observation is too large: expected one for which the frozen policy's "
      "action is finite");
}

bool DecisionBatch::WantsStep(const Problem& problem) const {
  const int i = trials_.Find(problem);
  return i >= 0 && trials_[i].alive && trials_[i].stepping &&
         !StopSignals(trials_.problems(), clock_).Cancelled(i) &&
         trials_[i].report.steps_done < problem.settings.steps;
}

void DecisionBatch::FindPlaces(absl::Span<Problem* const> which) {
  places_.clear();
  for (const Problem* problem : which) {
    places_.push_back(trials_.Find(*problem));
  }
  std::sort(places_.begin(), places_.end());
}

void DecisionBatch::Together(absl::FunctionRef<void()> phase) {
  const auto attempt = [&](absl::Span<const int> which) {
    trials_.Focus(which);
    trials_.Save();
    policies_->Save(which);
    const absl::Status status = policies_->Try(phase);
    if (status.ok()) return status;
    trials_.Restore();
    policies_->Restore(which);
    return status;
  };
  const absl::Status status = attempt(places_);
  if (status.ok()) return;
  if (places_.size() == 1) return trials_.Fail(places_[0], status);
  for (const int i : places_) {
    const absl::Status alone = attempt({&i, 1});
    if (!alone.ok()) trials_.Fail(i, alone);
  }
}

void DecisionBatch::Step(absl::Span<Problem* const> which) {
  FindPlaces(which);
  const StopSignals stop(trials_.problems(), clock_);
  for (const int i : places_) trials_[i].step_done = false;
  const absl::Time begin = clock_();
  Together([&] { TakeStep(stop); });
  const absl::Duration taken = clock_() - begin;
  for (const int i : places_) {
    StepTiming& timing = trials_.problem(i).timing;
    if (!trials_[i].step_done) {
      timing.cut = taken;
      continue;
    }
    timing.whole += taken;
    timing.last = taken;
    ++timing.whole_steps;
  }
}

void DecisionBatch::TakeStep(const StopSignals& stop) {
  if (!trials_.Select(trials_.list, Any)) return;
  policies_->Differentiate(trials_.list, stop, absl::MakeSpan(trials_.before));
  trials_.FailCancelled(stop);
  SelectDifferentiated();
  if (!trials_.list.empty()) Ascend();
}

void DecisionBatch::Retire(absl::Span<Problem* const> which) {
  FindPlaces(which);
  const StopSignals stop(trials_.problems(), clock_);
  Together([&] { Decide(stop); });
  for (const int i : places_) {
    policies_->End(i);
    trials_.Remove(i);
  }
}

void DecisionBatch::Decide(const StopSignals& stop) {
  LimitDrift(trials_);
  LimitActionChange(trials_);
  JudgeImprovement(trials_, stop);
  ChooseActions();
  EvaluateAfter(stop);
  ImaginePlans(stop);
  trials_.FailCancelled(stop);
  Finish();
}

// Guard 1 undoes steps that are not finite.
void DecisionBatch::Ascend() {
  BeginActionSteps(trials_);
  policies_->Ascend(trials_.list, trials_.factor);
  FinishActionSteps(trials_);
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
  policies_->Restore(trials_.failed);
}

// Lists the trials that may ascend and puts their scale into `factor`.
void DecisionBatch::SelectDifferentiated() {
  trials_.Select(trials_.list, [&](int i, Trial& trial) {
    const WorkingPolicies::Evaluation& evaluation = trials_.before[i];
    if (!evaluation.complete) return trial.stepping = false;
    trial.step_done = true;
    if (!IsFinite(evaluation)) {
      trial.non_finite = true;
      return trial.stepping = false;
    }
    trials_.factor[i] =
        StepScale(trials_.settings(i), evaluation.gradient_norm);
    return true;
  });
}

// Chooses the working policy's action; if it is not finite, psi_start's; if
// that is not finite either, the frozen one.
void DecisionBatch::ChooseActions() {
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
  const int size = policies_->action_size();
  for (const int i : trials_.failed) {
    std::copy_n(trials_.frozen_action.begin() + i * size, size,
                trials_.action.begin() + i * size);
  }
}

void DecisionBatch::EvaluateAfter(const StopSignals& stop) {
  if (!trials_.Select(trials_.list, [this](int i, const Trial&) {
        return trials_.problem(i).report_objective_after;
      })) {
    return;
  }
  policies_->Evaluate(trials_.list, Psi::kWorking, NoiseBank::kAdaptation, stop,
                      absl::MakeSpan(trials_.after));
  for (const int i : trials_.list) {
    const WorkingPolicies::Evaluation& after = trials_.after[i];
    if (!after.complete || !IsFinite(after)) continue;
    trials_[i].report.objective_after = Saturated(after.objective);
  }
}

void DecisionBatch::ImaginePlans(const StopSignals& stop) {
  trials_.Select(trials_.list, [this](int i, const Trial&) {
    return trials_.problem(i).plan_length > 0;
  });
  for (const int i : trials_.list) {
    Problem& problem = trials_.problem(i);
    if (!problem.decision_or.ok()) problem.decision_or.emplace();
    const size_t size = policies_->action_size();
    std::vector<float>& plan = problem.decision_or->plan;
    plan.resize(size * problem.plan_length);
    size_t rows = policies_->Imagine(i, stop, absl::MakeSpan(plan));
    const auto bad =
        std::find_if(plan.begin(), plan.begin() + rows * size,
                     [](float value) { return !std::isfinite(value); });
    rows = std::min<size_t>(rows, (bad - plan.begin()) / size);
    plan.resize(rows * size);
    for (float& value : plan) value = std::clamp(value, -1.0f, 1.0f);
  }
}

// Everything that may throw comes before Commit.
void DecisionBatch::Finish() {
  if (!trials_.Select(trials_.list, Any)) return;
  trials_.KnowDrift(trials_.list);
  const int size = policies_->action_size();
  for (const int i : trials_.list) {
    absl::StatusOr<Decision>& decision = trials_.problem(i).decision_or;
    if (!decision.ok()) decision.emplace();
    decision->action.resize(size);
    if (trials_.problem(i).plan_length == 0) decision->plan.clear();
  }
  policies_->PrepareCommit(trials_.list);
  policies_->Commit(trials_.list);
  for (const int i : trials_.list) {
    Report& report = trials_[i].report;
    report.outcome = OutcomeOf(trials_[i]);
    report.action_change = trials_.ActionDistance(trials_.frozen_action, i);
    report.drift = Saturated(trials_.drift[i]);
    Decision& decision = *trials_.problem(i).decision_or;
    decision.report = report;
    for (int j = 0; j < size; ++j) {
      decision.action[j] =
          std::clamp(trials_.action[i * size + j], -1.0f, 1.0f);
    }
  }
}

}  // namespace foresight
