// A served bundle and the engine that computes with it.
#pragma once

#include <cstdint>
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
  std::shared_ptr<const Engine> engine;  // For `bundle`.
  // The times, measured by WarmUp, of a decision without adaptation and of one
  // step with the bundle's default settings.
  absl::Duration frozen_time = absl::ZeroDuration();
  absl::Duration default_step_time = absl::ZeroDuration();
  // The time that one more decision adds to such a step; infinite if the engine
  // does not step such decisions together.
  absl::Duration default_further_time = absl::InfiniteDuration();
  // Unique among the models that a process loads.
  uint64_t id = 0;

  // The expected time of a step with `settings` until one is measured: the time
  // of the default step, scaled by the number of imagined transitions.
  absl::Duration StepTime(const AdaptationSettings& settings) const;
  // The expected time that one more decision adds to a step with `settings`.
  absl::Duration FurtherTime(const AdaptationSettings& settings) const;

  const std::string& name() const { return bundle->manifest().name(); }
};

// Runs and measures a few decisions on a typical observation, so that the first
// client does not pay for one-time work. On a CPU it measures the thread's CPU
// time, so that a model loaded while the server serves does not look slow
// because of other work on the cores.
// Errors: Internal: the engine fails on the policy's own mean observation.
absl::StatusOr<LoadedModel> WarmUp(std::shared_ptr<const Bundle> bundle,
                                   std::shared_ptr<const Engine> engine);

}  // namespace foresight
