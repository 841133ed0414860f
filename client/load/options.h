// Options of foresight-load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "foresight/security_options.h"
#include "proto/adaptation.pb.h"

namespace foresight {

struct LoadOptions {
  std::string server = "127.0.0.1:50051";
  SecurityOptions security;
  std::string model;    // Empty: the only one served.
  std::string assets;   // As MakeEnvironment.
  int sessions = 8;     // >= 1; with ramp, the first number to try.
  double rate_hz = 20;  // > 0; per session.
  // > 0; per decision, from its scheduled time. Default: one period.
  absl::Duration deadline = absl::Milliseconds(50);
  absl::Duration duration = absl::Seconds(10);  // > 0; counted.
  absl::Duration warm_up = absl::Seconds(1);    // >= 0; before `duration`.
  bool stream = false;                          // Else one call per decision.
  int sessions_per_stream = 64;                 // >= 1
  int connections = 1;                          // >= 1
  double jitter = 0.1;                          // Fraction of a period, 0..1.
  uint64_t seed = 0;
  bool ramp = false;
  absl::Duration connect_timeout = absl::Seconds(5);
  v1::AdaptationSettings settings;  // Unset fields: the model's defaults.
  std::string json;                 // Empty: none.
  bool quiet = false;

  absl::Duration period() const { return absl::Seconds(1 / rate_hz); }
};

struct ParsedLoadOptions {
  LoadOptions options;
  // Set if there is nothing to run: 0 after --help or --version, 2 after a
  // mistake. The message has been printed.
  std::optional<int> exit_code;
};

ParsedLoadOptions ParseLoadOptions(int argc, const char* const* argv);

}  // namespace foresight
