#include "server/adaptation/guards.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foresight {
namespace {

using Psi = WorkingPolicies::Psi;

constexpr int kMaxHalvings = 10;

}  // namespace

void LimitDrift(Trials& trials) {
  const auto guarded = [&](int i, const Trial& trial) {
    return trial.changed && trials.settings(i).max_drift > 0;
  };
  if (!trials.Select(trials.list, guarded)) return;
  trials.KnowDrift(trials.list);
  const auto outside = [&](int i, const Trial& trial) {
    return guarded(i, trial) && trials.drift[i] > trials.settings(i).max_drift;
  };
  trials.Select(trials.list, outside);
  for (const int i : trials.list) {
    trials.factor[i] = trials.settings(i).max_drift / trials.drift[i];
    trials[i].limited = true;
  }
  trials.Pull(trials.list, Psi::kPretrained);
}

void LimitActionChange(Trials& trials) {
  std::vector<int>& list = trials.list;
  if (!trials.Select(list, [&](int i, const Trial& trial) {
        return trial.changed && trials.settings(i).max_action_change > 0;
      })) {
    return;
  }
  trials.policies().Act(list, Psi::kStart, absl::MakeSpan(trials.start_action));
  // False if the distance is NaN.
  const auto in_bounds = [&](int i) {
    return trials.ActionDistance(trials.start_action, i) <=
           trials.settings(i).max_action_change;
  };
  for (int halvings = 0;; ++halvings) {
    trials.KnowActions(list);
    list.erase(std::remove_if(list.begin(), list.end(), in_bounds), list.end());
    if (list.empty() || halvings == kMaxHalvings) break;
    for (const int i : list) {
      trials.factor[i] = 0.5;
      trials[i].limited = true;
    }
    trials.Pull(list, Psi::kStart);
  }
  for (const int i : list) trials[i].rejected = true;
  trials.Undo(list);
}

void JudgeImprovement(Trials& trials, const StopSignals& stop) {
  if (!trials.Select(trials.list, [&](int i, const Trial& trial) {
        return trial.changed && trials.settings(i).accept_only_improvement;
      })) {
    return;
  }
  trials.policies().Evaluate(trials.list, Psi::kStart, NoiseBank::kAcceptance,
                             stop, absl::MakeSpan(trials.before));
  trials.policies().Evaluate(trials.list, Psi::kWorking, NoiseBank::kAcceptance,
                             stop, absl::MakeSpan(trials.after));
  trials.failed.clear();
  for (const int i : trials.list) {
    const Trials::Evaluation& before = trials.before[i];
    const Trials::Evaluation& after = trials.after[i];
    if (before.complete && after.complete && std::isfinite(before.objective) &&
        std::isfinite(after.objective) && after.objective >= before.objective) {
      continue;
    }
    trials[i].rejected = true;
    trials.failed.push_back(i);
  }
  trials.Undo(trials.failed);
}

}  // namespace foresight
