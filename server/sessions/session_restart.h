// How a session begins again.
#pragma once

#include <cstdint>
#include <memory>

#include "models/bundle/policy_parameters.h"
#include "models/bundle/settings.h"
#include "server/sessions/session_state.h"

namespace foresight {

// The session is at decision 0 afterwards.
struct SessionRestart {
  // Null: model and settings stay as they are. Otherwise it takes the same
  // observations as the session's model. Declared before `parameters`, so that
  // their engine outlives them.
  std::shared_ptr<const LoadedModel> model;
  AdaptationSettings settings;  // Used with `model`.
  // Null: the session's own stay. If `model` is given, they are of that model.
  std::unique_ptr<PolicyParameters> parameters;
  uint64_t seed = 0;
};

}  // namespace foresight
