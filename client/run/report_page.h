// Writes the page of --report: one self-contained HTML file with plots. A
// Python script draws it with matplotlib, from JSON.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/run/comparison.h"

namespace foresight {

// Makes the script's input, on one line: ToJson's fields (report.h) and
//   step_limit, random_return, expert_return, bundle, weights_sha256,
//   traces: [{seed, variant: "frozen" or "adapted", latencies_ms: [T],
//             terminated, outcome: [T] names, reward: [T],
//             objective_before: [T], objective_after: [T], action_change: [T],
//             drift: [T], observation: [T, S], action: [T, A]}],
// T being the episode's number of steps. A value that the server did not give
// is null. `bundle` is the folder of the served bundle, or empty: the page
// needs it to compare imagined states with real ones, since a server returns no
// imagined states.
std::string PageJson(const Comparison& comparison, const std::string& bundle);

// Checks that WriteReportPage can write `file`, which it creates.
// Errors:
//   Unavailable:        `file` cannot be written.
//   FailedPrecondition: the script or something that it needs is missing; the
//                       message says how to install it.
absl::Status CheckReportPage(const std::string& file);

// Replaces `file` by the page. The episodes need traces.
// Errors: CheckReportPage's; Internal: the script failed.
absl::Status WriteReportPage(const Comparison& comparison,
                             const std::string& bundle,
                             const std::string& file);

}  // namespace foresight
