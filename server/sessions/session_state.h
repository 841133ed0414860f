// One control loop (a session): its adapted policy, how it adapts, and where it
// is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "models/bundle/policy_parameters.h"
#include "models/bundle/settings.h"
#include "proto/adaptation.pb.h"

namespace foresight {

struct LoadedModel;  // server/registry: a bundle and its engine. Opaque here.

// Not thread-safe: whoever holds the session's lease has it alone.
struct SessionState {
  std::string id;
  std::string owner;  // Whose quota it counts against.
  // Declared before `parameters`, so that their maker outlives them.
  std::shared_ptr<const LoadedModel> model;
  size_t observation_size = 0;  // S
  AdaptationSettings settings;
  absl::Duration idle_timeout = absl::InfiniteDuration();
  uint64_t seed = 0;

  std::unique_ptr<PolicyParameters> parameters;  // psi
  uint64_t next_decision = 0;
  uint64_t epoch = 1;  // Grows when the session moves to another server.
  // Of decision next_decision - 1, if there is one since the start: what a
  // retry of it must show, and the answer that it gets.
  std::vector<float> last_observation;  // [S]
  std::shared_ptr<const v1::ActResponse> last_answer;
};

}  // namespace foresight
