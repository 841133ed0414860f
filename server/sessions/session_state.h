// One control loop (a session): its adapted policy, how it adapts, and where it
// is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  std::string identity;      // Whose name space `id` is in; empty: everybody's.
  uint64_t incarnation = 0;  // Tells it from an earlier one of the same id.
  std::string owner;         // Whose quota it counts against.
  // Declared before `parameters`, so that their maker outlives them.
  std::shared_ptr<const LoadedModel> model;
  size_t observation_size = 0;  // S
  // As its opener gave them, and completed from the model's defaults.
  v1::AdaptationSettings requested_settings;
  AdaptationSettings settings;
  absl::Duration idle_timeout = absl::InfiniteDuration();
  uint64_t seed = 0;
  absl::Time opened = absl::InfinitePast();  // By the wall clock, for people.

  std::unique_ptr<PolicyParameters> parameters;  // psi
  uint64_t next_decision = 0;
  // Grows when the session moves to another server or comes back on this one.
  uint64_t epoch = 1;
  // It came from elsewhere or from before a restart, at this decision, which
  // was not made here yet.
  std::optional<uint64_t> resumed_from;
  // Of decision next_decision - 1, if there is one since the start: what a
  // retry of it must show, and the answer that it gets.
  std::vector<float> last_observation;  // [S]
  std::shared_ptr<const v1::ActResponse> last_answer;

  // What is kept of it elsewhere, and how much has come since the whole was.
  struct Kept {
    uint64_t generation = 0;  // Of the journal; 0: never kept.
    int steps = 0;
    int decisions = 0;
  };
  Kept kept;
};

}  // namespace foresight
