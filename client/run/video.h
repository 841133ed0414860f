// Writes the film of --video: the first seed's frozen and adapted episode side
// by side. A Python script renders it with MuJoCo, from JSON.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/run/comparison.h"

namespace foresight {

// The script's input, on one line: model_file, step_sec and episodes, a list of
// {label, positions: [steps + 1, nq], rewards: [steps], terminated}. The first
// pair needs both episodes, with positions.
std::string VideoJson(const Comparison& comparison);

// Checks that WriteVideo can render and write `file`, which it creates.
// Errors:
//   Unavailable:        `file` cannot be written.
//   FailedPrecondition: a module is missing, or nothing here can render; the
//                       message says how to install it.
absl::Status CheckVideo(const std::string& file);

// Replaces `file` by the film: MP4 or GIF, by its ending.
// Errors: CheckVideo's; Internal: the script failed.
absl::Status WriteVideo(const Comparison& comparison, const std::string& file);

}  // namespace foresight
