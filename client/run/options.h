// Options of foresight-run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "foresight/security_options.h"
#include "proto/adaptation.pb.h"

namespace foresight {

struct RunOptions {
  std::string server = "127.0.0.1:50051";
  SecurityOptions security;
  std::string model;        // Empty: the only one served.
  std::string environment;  // Empty: the model's own.
  std::string assets;       // As MakeEnvironment.
  int episodes = 10;        // >= 1, each with its own seed.
  uint64_t seed = 1000;     // For the first episode; each later one adds 1.
  int max_steps = 1000;     // >= 1; the environment's limit holds too.
  int parallel = 0;         // Episodes at once; 0: by the number of cores.
  bool stream = false;      // One Control stream instead of calls.
  v1::AdaptationSettings settings;       // Unset fields: the model's defaults.
  std::optional<absl::Duration> budget;  // > 0.
  absl::Duration deadline = absl::Seconds(10);
  absl::Duration connect_timeout = absl::Seconds(5);
  bool play_frozen = true;
  bool play_adapted = true;
  std::string sweep;   // File of settings to try (sweep.h); empty: none.
  std::string csv;     // Empty: none.
  std::string json;    // Empty: none.
  std::string report;  // Page to write (report_page.h); empty: none.
  std::string bundle;  // Folder of the served bundle, for the page.
  std::string video;   // Film to write (video.h); empty: none.
  bool quiet = false;
};

struct ParsedOptions {
  RunOptions options;
  // Set if there is nothing to run: 0 after --help or --version, 2 after a
  // mistake. The message has been printed.
  std::optional<int> exit_code;
};

ParsedOptions ParseRunOptions(int argc, const char* const* argv);

}  // namespace foresight
