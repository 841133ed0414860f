// A bundle that is being served, and the engine that computes with it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"

namespace foresight {

// Immutable. Sessions hold the model that they were opened with.
struct LoadedModel {
  std::shared_ptr<const Bundle> bundle;
  std::shared_ptr<const Engine> engine;  // Of `bundle`.
  // What a decision without adaptation takes, as measured by WarmUp.
  absl::Duration frozen_time = absl::ZeroDuration();

  const std::string& name() const { return bundle->manifest().name(); }
};

// Runs a few decisions on a typical observation, so that the first client does
// not pay for what happens only once, and measures the frozen one.
// Errors: Internal: the engine fails on the policy's own mean observation.
absl::StatusOr<LoadedModel> WarmUp(std::shared_ptr<const Bundle> bundle,
                                   std::shared_ptr<const Engine> engine);

}  // namespace foresight
