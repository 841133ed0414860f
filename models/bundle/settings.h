// The settings of a session's adaptation, complete and checked.
#pragma once

#include "absl/status/statusor.h"
#include "proto/adaptation.pb.h"

namespace foresight {

enum class Mode {
  kPersist,  // The adapted policy is carried to the next decision.
  kReset,    // Every decision starts from the pretrained policy.
};

// The upper ends of the ranges in adaptation.proto.
inline constexpr int kMaxHorizon = 64;
inline constexpr int kMaxParticles = 65536;
inline constexpr int kMaxSteps = 1000;
inline constexpr int kMaxSamplerSteps = 64;  // For mean_flow.
inline constexpr float kMaxNoiseScale = 2;

// docs/method.md sections 1 and 5; ranges as in adaptation.proto. Floats are
// finite.
struct AdaptationSettings {
  int horizon = 5;          // H, 1..64.
  int particles = 10;       // M, 1..65536.
  int steps = 1;            // E, 0..1000; 0 is the frozen policy.
  float step_size = 3e-5f;  // eta, >= 0.
  float action_step = 0;    // delta, >= 0; 0: use step_size.
  Mode mode = Mode::kPersist;
  float discount = 0.99f;         // gamma, in (0, 1].
  float max_gradient_norm = 100;  // c, >= 0; 0 is off.
  float max_action_change = 0;    // d, >= 0; 0 is off.
  float max_drift = 0;            // rho, >= 0; 0 is off.
  bool accept_only_improvement = false;
  int sampler_steps = 10;  // n of mean_flow, 1..64; K of diffusion.
  float noise_scale = 1;   // tau, 0..2; multiplies the imagined noise.
};

// The limits that a model's dynamics set on sampler_steps.
struct SamplerLimits {
  bool fixed = true;  // Diffusion: sampler_steps can only be K.
  int steps = 10;     // K; for mean_flow the default n.
};

// Completes `request`: its unset fields are taken from `defaults`.
// Errors:
//   InvalidArgument: a field is out of range; the message names it with the
//                    value and the range: "settings.particles is 0, expected
//                    1..65536".
absl::StatusOr<AdaptationSettings> ResolveSettings(
    const v1::AdaptationSettings& request, const AdaptationSettings& defaults,
    const SamplerLimits& sampler);

// Checks the `defaults` of a bundle's manifest. Every field must be set, except
// that sampler_steps must be unset if `sampler` is fixed; the result then holds
// sampler.steps.
// Errors:
//   InvalidArgument: a field is unset or out of range; the message names it
//                    ("defaults.particles is unset, expected 1..65536").
absl::StatusOr<AdaptationSettings> ResolveDefaults(
    const v1::AdaptationSettings& defaults, const SamplerLimits& sampler);

// The message with every field set.
v1::AdaptationSettings ToProto(const AdaptationSettings& settings);

}  // namespace foresight
