// Runs the Python scripts that come with foresight-run.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace foresight {

struct PythonScript {
  std::string flag;  // The option that needs the script: "--report".
  std::string file;  // Its name in the folder of scripts: "report_page.py".
  std::string modules_missing;    // The message if it exits with 3.
  std::string rendering_missing;  // The message if it exits with 4.
};

// Checks that `file`, which it creates, can be written, and that the script has
// what it needs: runs the script with the argument "--check".
// Errors:
//   Unavailable:        `file` cannot be written.
//   FailedPrecondition: the script or something that it needs is missing; the
//                       message says how to install it.
absl::Status CheckScript(const PythonScript& script, const std::string& file);

// Runs the script with `file` as its argument and `json` as its standard input.
// Errors: CheckScript's; Internal: the script failed.
absl::Status RunScript(const PythonScript& script, const std::string& file,
                       const std::string& json);

}  // namespace foresight
