// Options of a new session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "foresight/proto/adaptation.pb.h"

namespace foresight {

// The server checks the ranges of the options (adaptation.proto).
struct SessionOptions {
  std::string model;  // Empty: the only one that the server has.
  // Unset fields take the model's defaults.
  v1::AdaptationSettings settings;
  // Draws the imagined noise; unset: chosen by the server. The same seed,
  // settings and observations give the same actions.
  std::optional<uint64_t> seed;
  // The server frees the session after this long without use; positive. Unset:
  // the server's choice.
  std::optional<absl::Duration> idle_timeout;
  // At most 128 bytes of printable ASCII. Empty: chosen by the server.
  std::string session_id;
};

}  // namespace foresight
