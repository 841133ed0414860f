#include "foresight/control_loop_options.h"

#include "absl/strings/str_cat.h"

namespace foresight {
namespace {

constexpr uint32_t kLongestPlan = 64;

absl::Status CheckLate(const ControlLoopOptions& options) {
  const uint32_t least = options.late == LatePolicy::kFollowPlan ? 1 : 0;
  if (options.plan_length < least || options.plan_length > kLongestPlan) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan_length is ", options.plan_length, ", expected ",
                     least, "..", kLongestPlan));
  }
  if (options.late == LatePolicy::kCallback && options.callback == nullptr) {
    return absl::InvalidArgumentError("kCallback needs a callback");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Check(const ControlLoopOptions& options, size_t action_size) {
  if (options.deadline <= absl::ZeroDuration() ||
      options.backoff.initial_backoff <= absl::ZeroDuration() ||
      options.budget.value_or(options.deadline) <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "deadline, budget and backoff must be positive");
  }
  if (options.give_up_after < options.deadline) {
    return absl::InvalidArgumentError(absl::StrCat(
        "give_up_after is ", absl::FormatDuration(options.give_up_after),
        ", expected at least the deadline, which is ",
        absl::FormatDuration(options.deadline)));
  }
  if (!options.initial_action.empty() &&
      options.initial_action.size() != action_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("initial_action has ", options.initial_action.size(),
                     " values, expected ", action_size));
  }
  return CheckLate(options);
}

}  // namespace foresight
