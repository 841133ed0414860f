// Chooses a control loop's action in a step whose answer is late.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "foresight/late_policy.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Chooses by the policy. Steps are counted by the caller. A plan holds the
// actions of the steps after its observation's: its third action belongs to the
// third step after that observation. After the end of a plan its last action is
// repeated.
//
// Not thread-safe. Reads no clock.
class LateActions {
 public:
  struct Choice {
    std::vector<float> action;  // [A]
    ActionSource source;
  };

  // `callback` is used only by kCallback.
  LateActions(LatePolicy policy, std::vector<float> initial_action,
              LateCallback callback);

  // Takes an answer, in time or late, for the observation of step `step`.
  void TakeAnswer(const v1::ActResponse& answer, int64_t step);
  // Takes the action that a step returned, from any source.
  void TakeAction(std::vector<float> action) { last_ = std::move(action); }
  // Begins a new episode with the initial action.
  void Restart();

  Choice Choose(int64_t step, absl::Span<const float> observation,
                absl::Duration late) const;

 private:
  const LatePolicy policy_;
  const std::vector<float> initial_action_;
  const LateCallback callback_;
  std::vector<float> last_;  // The last action.
  bool answered_ = false;
  std::vector<std::vector<float>> plan_;  // [plan_length, A]
  int64_t plan_begin_ = 0;                // The step of its first action.
};

}  // namespace foresight
