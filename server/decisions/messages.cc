#include "server/decisions/messages.h"

#include "server/decisions/durations.h"

namespace foresight {

v1::Model ToProto(const LoadedModel& model) {
  const v1::Bundle& manifest = model.bundle->manifest();
  v1::Model proto;
  proto.set_name(manifest.name());
  proto.set_version(manifest.version());
  proto.set_weights_sha256(manifest.weights_sha256());
  proto.set_observation_size(manifest.observation_size());
  proto.set_action_size(manifest.action_size());
  proto.set_dynamics(manifest.dynamics().kind());
  proto.set_sampler_steps(model.bundle->sampler_limits().steps);
  *proto.mutable_defaults() = ToProto(model.bundle->defaults());
  proto.set_engine(model.engine->name());
  proto.set_device(model.engine->device());
  proto.set_environment(manifest.provenance().environment());
  return proto;
}

v1::Session ToProto(const SessionState& session) {
  v1::Session proto;
  proto.set_session_id(session.id);
  *proto.mutable_model() = ToProto(*session.model);
  *proto.mutable_settings() = ToProto(session.settings);
  proto.set_seed(session.seed);
  proto.set_next_decision(session.next_decision);
  proto.set_epoch(session.epoch);
  *proto.mutable_idle_timeout() = ToProto(session.idle_timeout);
  return proto;
}

v1::Outcome ToProto(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNonFinite:
      return v1::NON_FINITE;
    case Outcome::kRejected:
      return v1::REJECTED;
    case Outcome::kTruncated:
      return v1::TRUNCATED;
    case Outcome::kFrozen:
      return v1::FROZEN;
    case Outcome::kLimited:
      return v1::LIMITED;
    case Outcome::kAdapted:
      return v1::ADAPTED;
  }
  return v1::OUTCOME_UNSPECIFIED;
}

v1::ActResponse ToProto(const Decision& decision, const std::string& session_id,
                        uint64_t decision_index, absl::Duration queue_time,
                        absl::Duration adapt_time) {
  v1::ActResponse response;
  response.set_session_id(session_id);
  response.set_decision_index(decision_index);
  response.mutable_action()->Add(decision.action.begin(),
                                 decision.action.end());
  const size_t size = decision.action.size();
  for (size_t i = 0; size > 0 && i + size <= decision.plan.size(); i += size) {
    response.add_plan()->mutable_values()->Add(
        decision.plan.begin() + i, decision.plan.begin() + i + size);
  }
  const Report& report = decision.report;
  v1::AdaptationReport& proto = *response.mutable_report();
  proto.set_outcome(ToProto(report.outcome));
  proto.set_steps_requested(report.steps_requested);
  proto.set_steps_done(report.steps_done);
  proto.set_objective_before(report.objective_before);
  if (report.objective_after) {
    proto.set_objective_after(*report.objective_after);
  }
  proto.set_gradient_norm(report.gradient_norm);
  proto.set_action_change(report.action_change);
  proto.set_drift(report.drift);
  *proto.mutable_queue_time() = ToProto(queue_time);
  *proto.mutable_adapt_time() = ToProto(adapt_time);
  return response;
}

}  // namespace foresight
