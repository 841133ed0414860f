// The state of a session, that is of one control loop: its adapted policy, its
// settings and its progress.
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

// Not thread-safe: only the holder of the session's lease uses it.
struct SessionState {
  std::string id;
  std::string identity;      // The name space of `id`; empty: the common one.
  uint64_t incarnation = 0;  // Tells it from earlier sessions with its id.
  std::string owner;         // The session counts against this owner's quota;
                             // empty: not known.
  // Declared before `parameters`, so that their engine outlives them.
  std::shared_ptr<const LoadedModel> model;
  size_t observation_size = 0;  // S
  size_t most_psi_bytes = 0;    // The most that psi may come to own.
  // As given when opened; `settings` are completed from the model's defaults.
  v1::AdaptationSettings requested_settings;
  AdaptationSettings settings;
  absl::Duration idle_timeout = absl::InfiniteDuration();
  uint64_t seed = 0;
  absl::Time opened = absl::InfinitePast();  // By the wall clock, for people.

  std::unique_ptr<PolicyParameters> parameters;  // psi
  uint64_t next_decision = 0;
  // Grows when the session moves to another server or comes back on this one.
  uint64_t epoch = 1;
  // The decision at which the session was imported or brought back; none once
  // that decision is made here.
  std::optional<uint64_t> resumed_from;
  // For decision next_decision - 1, if the episode has one: the observation
  // that a retry must have, and the answer that it gets.
  std::vector<float> last_observation;  // [S]
  std::shared_ptr<const v1::ActResponse> last_answer;

  // What has happened since the session was last stored elsewhere as a whole,
  // not only decision by decision.
  struct Kept {
    uint64_t generation = 0;  // The journal's at that time; 0: never stored.
    int steps = 0;
    int decisions = 0;
  };
  Kept kept;
};

}  // namespace foresight
