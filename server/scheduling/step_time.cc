#include "server/scheduling/step_time.h"

#include <algorithm>

namespace foresight {
namespace {

constexpr double kNewest = 0.25;  // Weight of the newest measurement.
constexpr double kForgotten =
    0.1;  // Of the estimate, when nothing is measured.

}  // namespace

absl::Duration LearnStepTime(absl::Duration known, int steps_requested,
                             int steps_done, absl::Duration adapt_time,
                             absl::Duration frozen_time) {
  if (steps_done == 0) {
    return steps_requested == 0 ? known : (1 - kForgotten) * known;
  }
  const absl::Duration measured =
      std::max((adapt_time - frozen_time) / steps_done, absl::Microseconds(1));
  if (known == absl::ZeroDuration()) return measured;
  return (1 - kNewest) * known + kNewest * measured;
}

}  // namespace foresight
