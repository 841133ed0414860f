#include "server/decisions/saved_session.h"

#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/decisions/durations.h"
#include "server/registry/loaded_model.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

absl::Status Invalid(absl::string_view what) {
  return MakeError(Reason::kSnapshotInvalid,
                   absl::StrCat("the snapshot's ", what));
}

absl::Status CheckLastDecision(const v1::SavedSession& saved,
                               const Bundle& bundle) {
  const v1::SavedDecision& last = saved.last_decision();
  const v1::ActResponse& answer = last.answer();
  if (saved.has_last_decision() != (saved.next_decision() > 0)) {
    return Invalid(absl::StrCat(
        "last decision is ", saved.has_last_decision() ? "there" : "missing",
        ", but its next one is ", saved.next_decision()));
  }
  if (!saved.has_last_decision()) return absl::OkStatus();
  if (answer.decision_index() + 1 != saved.next_decision()) {
    return Invalid(absl::StrCat("last decision is ", answer.decision_index(),
                                ", expected ", saved.next_decision() - 1));
  }
  if (last.observation_size() != bundle.observation_size() ||
      answer.action_size() != bundle.action_size()) {
    return Invalid(absl::StrCat(
        "last decision has ", last.observation_size(), " observations and ",
        answer.action_size(), " actions, expected ", bundle.observation_size(),
        " and ", bundle.action_size()));
  }
  for (const float action : answer.action()) {
    if (!(std::abs(action) <= 1)) {
      return Invalid(absl::StrCat("last action has the component ", action,
                                  ", expected -1 to 1"));
    }
  }
  return absl::OkStatus();
}

// At decision 0, with psi_0.
v1::SavedSession Begin(const SessionState& session, const LoadedModel& model,
                       const AdaptationSettings& settings, uint64_t seed) {
  v1::SavedSession saved;
  saved.set_session_id(session.id);
  saved.set_owner(session.identity);
  saved.set_model(model.name());
  saved.set_weights_sha256(model.bundle->manifest().weights_sha256());
  saved.set_engine(model.engine->variant());
  *saved.mutable_settings() = ToProto(settings);
  *saved.mutable_requested_settings() = session.requested_settings;
  *saved.mutable_idle_timeout() = ToProto(session.idle_timeout);
  saved.set_seed(seed);
  saved.set_epoch(session.epoch);
  return saved;
}

void SavePolicy(const SessionState& session, v1::SavedSession& saved) {
  if (session.parameters->owned_bytes() == 0) return;
  const std::vector<float> psi = session.parameters->Export();
  saved.mutable_parameters()->Add(psi.begin(), psi.end());
}

}  // namespace

v1::SavedSession Save(const SessionState& session) {
  v1::SavedSession saved =
      Begin(session, *session.model, session.settings, session.seed);
  SavePolicy(session, saved);
  saved.set_next_decision(session.next_decision);
  if (session.last_answer != nullptr) {
    v1::SavedDecision& last = *saved.mutable_last_decision();
    last.mutable_observation()->Add(session.last_observation.begin(),
                                    session.last_observation.end());
    *last.mutable_answer() = *session.last_answer;
  }
  return saved;
}

v1::SavedSession SaveAnew(const SessionState& session,
                          const SessionRestart& restart) {
  const bool other = restart.model != nullptr;
  v1::SavedSession saved =
      Begin(session, other ? *restart.model : *session.model,
            other ? restart.settings : session.settings, restart.seed);
  if (restart.parameters == nullptr) SavePolicy(session, saved);
  return saved;
}

v1::OpenSessionRequest OpeningRequest(const v1::SavedSession& saved) {
  v1::OpenSessionRequest request;
  request.set_model(saved.model());
  *request.mutable_settings() = saved.settings();
  request.set_seed(saved.seed());
  *request.mutable_idle_timeout() = saved.idle_timeout();
  request.set_session_id(saved.session_id());
  return request;
}

absl::Status Restore(const v1::SavedSession& saved, SessionState& session) {
  const Bundle& bundle = *session.model->bundle;
  const std::string& weights = bundle.manifest().weights_sha256();
  if (saved.weights_sha256() != weights) {
    return MakeError(
        Reason::kWeightsDiffer,
        absl::StrCat("the snapshot belongs to weights ", saved.weights_sha256(),
                     ", but model ", saved.model(), " has ", weights));
  }
  RETURN_IF_ERROR(CheckLastDecision(saved, bundle));
  session.parameters = session.model->engine->NewParameters();
  if (saved.parameters_size() > 0) {
    const absl::Status psi = session.parameters->Import(saved.parameters());
    if (!psi.ok()) return Invalid(psi.message());
  }
  if (saved.has_requested_settings()) {
    session.requested_settings = saved.requested_settings();
    session.requested_settings.DiscardUnknownFields();
  }
  session.next_decision = saved.next_decision();
  session.epoch = saved.epoch() + 1;
  session.resumed_from = saved.next_decision();
  if (saved.has_last_decision()) {
    const auto& observation = saved.last_decision().observation();
    session.last_observation.assign(observation.begin(), observation.end());
    // Clients ignore answers with an older epoch than the session's.
    auto answer =
        std::make_shared<v1::ActResponse>(saved.last_decision().answer());
    answer->set_epoch(session.epoch);
    session.last_answer = std::move(answer);
  }
  return absl::OkStatus();
}

}  // namespace foresight
