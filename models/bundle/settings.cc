#include "models/bundle/settings.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// Reads the fields of one message; each error begins with `prefix` + name.
class FieldReader {
 public:
  // With `complete` an unset field is an error.
  FieldReader(absl::string_view prefix, bool complete)
      : prefix_(prefix), complete_(complete) {}

  // Sets *value to `field` if it is set and in low..high.
  absl::Status Integer(absl::string_view name, bool is_set, int64_t field,
                       int64_t low, int64_t high, int* value) const {
    const std::string expected = absl::StrCat(low, "..", high);
    if (!is_set) return Unset(name, expected);
    if (field < low || field > high) return Wrong(name, field, expected);
    *value = static_cast<int>(field);
    return absl::OkStatus();
  }

  // Sets *value to `field` if it is set, finite, and fits.
  absl::Status Float(absl::string_view name, bool is_set, float field,
                     bool fits, absl::string_view expected,
                     float* value) const {
    if (!is_set) return Unset(name, expected);
    if (!std::isfinite(field) || !fits) return Wrong(name, field, expected);
    *value = field;
    return absl::OkStatus();
  }

  // Sets *value to `field` if it is set and in 0..infinity.
  absl::Status Float(absl::string_view name, bool is_set, float field,
                     float* value) const {
    return Float(name, is_set, field, field >= 0, "a finite number >= 0",
                 value);
  }

  absl::Status Unset(absl::string_view name, absl::string_view expected) const {
    if (!complete_) return absl::OkStatus();
    return Wrong(name, "unset", expected);
  }

  absl::Status Wrong(absl::string_view name, const absl::AlphaNum& got,
                     absl::string_view expected) const {
    return absl::InvalidArgumentError(
        absl::StrCat(prefix_, name, " is ", got, ", expected ", expected));
  }

 private:
  const absl::string_view prefix_;
  const bool complete_;
};

absl::Status ReadMode(const v1::AdaptationSettings& from,
                      const FieldReader& reader, AdaptationSettings* to) {
  switch (from.mode()) {
    case v1::PERSIST:
      to->mode = Mode::kPersist;
      return absl::OkStatus();
    case v1::RESET:
      to->mode = Mode::kReset;
      return absl::OkStatus();
    case v1::MODE_UNSPECIFIED:
      return reader.Unset("mode", "PERSIST or RESET");
    default:
      return reader.Wrong("mode", from.mode(), "PERSIST or RESET");
  }
}

// Reads every field except sampler_steps.
absl::Status ReadCommon(const v1::AdaptationSettings& from,
                        const FieldReader& reader, AdaptationSettings* to) {
  RETURN_IF_ERROR(reader.Integer("horizon", from.has_horizon(), from.horizon(),
                                 1, kMaxHorizon, &to->horizon));
  RETURN_IF_ERROR(reader.Integer("particles", from.has_particles(),
                                 from.particles(), 1, kMaxParticles,
                                 &to->particles));
  RETURN_IF_ERROR(reader.Integer("steps", from.has_steps(), from.steps(), 0,
                                 kMaxSteps, &to->steps));
  RETURN_IF_ERROR(reader.Float("step_size", from.has_step_size(),
                               from.step_size(), &to->step_size));
  // Bundles older than this field have no default for it.
  if (from.has_action_step()) {
    RETURN_IF_ERROR(reader.Float("action_step", true, from.action_step(),
                                 &to->action_step));
  }
  RETURN_IF_ERROR(ReadMode(from, reader, to));
  RETURN_IF_ERROR(reader.Float("discount", from.has_discount(), from.discount(),
                               from.discount() > 0 && from.discount() <= 1,
                               "a number in (0, 1]", &to->discount));
  RETURN_IF_ERROR(
      reader.Float("max_gradient_norm", from.has_max_gradient_norm(),
                   from.max_gradient_norm(), &to->max_gradient_norm));
  RETURN_IF_ERROR(
      reader.Float("max_action_change", from.has_max_action_change(),
                   from.max_action_change(), &to->max_action_change));
  RETURN_IF_ERROR(reader.Float("max_drift", from.has_max_drift(),
                               from.max_drift(), &to->max_drift));
  if (from.has_accept_only_improvement()) {
    to->accept_only_improvement = from.accept_only_improvement();
  } else {
    RETURN_IF_ERROR(reader.Unset("accept_only_improvement", "true or false"));
  }
  return reader.Float(
      "noise_scale", from.has_noise_scale(), from.noise_scale(),
      from.noise_scale() >= 0 && from.noise_scale() <= kMaxNoiseScale,
      absl::StrCat("a number in 0..", kMaxNoiseScale), &to->noise_scale);
}

}  // namespace

absl::StatusOr<AdaptationSettings> ResolveSettings(
    const v1::AdaptationSettings& request, const AdaptationSettings& defaults,
    const SamplerLimits& sampler) {
  const FieldReader reader("settings.", /*complete=*/false);
  AdaptationSettings settings = defaults;
  RETURN_IF_ERROR(ReadCommon(request, reader, &settings));
  if (sampler.fixed) {
    settings.sampler_steps = sampler.steps;
    if (request.has_sampler_steps() &&
        request.sampler_steps() != static_cast<uint32_t>(sampler.steps)) {
      return reader.Wrong(
          "sampler_steps", request.sampler_steps(),
          absl::StrCat(sampler.steps,
                       " or unset: the model's diffusion schedule fixes it"));
    }
    return settings;
  }
  RETURN_IF_ERROR(reader.Integer("sampler_steps", request.has_sampler_steps(),
                                 request.sampler_steps(), 1, kMaxSamplerSteps,
                                 &settings.sampler_steps));
  return settings;
}

absl::StatusOr<AdaptationSettings> ResolveDefaults(
    const v1::AdaptationSettings& defaults, const SamplerLimits& sampler) {
  const FieldReader reader("defaults.", /*complete=*/true);
  AdaptationSettings settings;
  RETURN_IF_ERROR(ReadCommon(defaults, reader, &settings));
  if (sampler.fixed) {
    settings.sampler_steps = sampler.steps;
    if (defaults.has_sampler_steps()) {
      return reader.Wrong(
          "sampler_steps", defaults.sampler_steps(),
          "it unset: dynamics.betas fixes the steps of diffusion");
    }
    return settings;
  }
  RETURN_IF_ERROR(reader.Integer("sampler_steps", defaults.has_sampler_steps(),
                                 defaults.sampler_steps(), 1, kMaxSamplerSteps,
                                 &settings.sampler_steps));
  return settings;
}

v1::AdaptationSettings ToProto(const AdaptationSettings& settings) {
  v1::AdaptationSettings proto;
  proto.set_horizon(settings.horizon);
  proto.set_particles(settings.particles);
  proto.set_steps(settings.steps);
  proto.set_step_size(settings.step_size);
  proto.set_action_step(settings.action_step);
  proto.set_mode(settings.mode == Mode::kReset ? v1::RESET : v1::PERSIST);
  proto.set_discount(settings.discount);
  proto.set_max_gradient_norm(settings.max_gradient_norm);
  proto.set_max_action_change(settings.max_action_change);
  proto.set_max_drift(settings.max_drift);
  proto.set_accept_only_improvement(settings.accept_only_improvement);
  proto.set_sampler_steps(settings.sampler_steps);
  proto.set_noise_scale(settings.noise_scale);
  return proto;
}

}  // namespace foresight
