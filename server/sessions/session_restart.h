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
  // Null: model and settings stay as they are. Takes the same observations as
  // the session's. Declared before `parameters`, so that their maker outlives
  // them.
  std::shared_ptr<const LoadedModel> model;
  AdaptationSettings settings;  // `model`'s.
  // Null: the session's own. If `model` is given, these are its parameters.
  std::unique_ptr<PolicyParameters> parameters;
  uint64_t seed = 0;
};

}  // namespace foresight
