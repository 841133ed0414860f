#include "server/decisions/session_operations.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/decisions/messages.h"
#include "server/decisions/replay.h"
#include "server/decisions/request_checks.h"
#include "server/decisions/saved_session.h"
#include "server/decisions/session_list.h"
#include "server/durability/snapshot.h"
#include "server/support/error.h"
#include "server/support/random.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// The settings that `session` would have with `model`.
// Errors: WEIGHTS_DIFFER: `model` takes other observations or actions;
// SETTINGS_INVALID: it cannot compute with the settings requested at the
// opening.
absl::StatusOr<AdaptationSettings> SettingsOn(const LoadedModel& model,
                                              const SessionState& session,
                                              const RequestLimits& limits) {
  RETURN_IF_ERROR(CheckSameShape(*model.bundle, *session.model->bundle));
  ASSIGN_OR_RETURN(const AdaptationSettings settings,
                   CheckSettings(session.requested_settings, *model.bundle,
                                 limits.max_samples));
  RETURN_IF_ERROR(CheckStepTime(model, settings, limits.max_decision_time));
  return settings;
}

}  // namespace

absl::StatusOr<v1::Session> SessionOperations::Open(
    const v1::OpenSessionRequest& request, const Caller& caller,
    const CallTags& tags) {
  absl::StatusOr<v1::Session> opened = TryOpen(request, caller);
  if (opened.ok()) {
    log_.SessionEvent("session opened", opened->session_id(),
                      opened->model().name(), tags);
  } else {
    metrics_->CountRefusal(opened.status());
    log_.Failure("session not opened", opened.status(), request.session_id(),
                 caller.owner(), tags);
  }
  return opened;
}

absl::StatusOr<v1::Session> SessionOperations::TryOpen(
    const v1::OpenSessionRequest& request, const Caller& caller) {
  ASSIGN_OR_RETURN(SessionState session, Describe(request, caller));
  const auto model = session.model;
  const v1::Session opened = ToProto(session);
  Expire();
  ASSIGN_OR_RETURN(
      SessionLease lease,
      sessions_->Open(std::move(session), clock_(), caller.connection));
  metrics_->sessions.Increment();
  lease.session().parameters = model->engine->NewParameters();
  keeper_->Began(lease.session());
  RETURN_IF_ERROR(lease.Install(clock_()));
  return opened;
}

absl::StatusOr<SessionState> SessionOperations::Describe(
    const v1::OpenSessionRequest& request, const Caller& caller) const {
  SessionState session;
  session.identity = caller.identity;
  session.owner = caller.owner();
  ASSIGN_OR_RETURN(session.model, models_->Find(request.model()));
  session.id = request.session_id().empty() ? RandomId() : request.session_id();
  RETURN_IF_ERROR(CheckSessionId(session.id));
  const Bundle& bundle = *session.model->bundle;
  session.incarnation = RandomSeed();
  session.opened = absl::Now();
  session.observation_size = bundle.observation_size();
  session.requested_settings = request.settings();
  session.requested_settings.DiscardUnknownFields();
  ASSIGN_OR_RETURN(session.settings, CheckSettings(request.settings(), bundle,
                                                   limits_.max_samples));
  RETURN_IF_ERROR(CheckStepTime(*session.model, session.settings,
                                limits_.max_decision_time));
  if (session.settings.mode == Mode::kPersist) {
    session.most_psi_bytes = session.model->engine->sizeof_parameters();
  }
  ASSIGN_OR_RETURN(session.idle_timeout,
                   CheckIdleTimeout(request, options_.idle_timeout,
                                    options_.max_idle_timeout));
  session.seed = request.has_seed() ? request.seed() : RandomSeed();
  return session;
}

absl::StatusOr<v1::Session> SessionOperations::Reset(
    const v1::ResetSessionRequest& request, const Caller& caller) {
  RETURN_IF_ERROR(CheckIdLength(request.session_id()));
  ASSIGN_OR_RETURN(SessionLease lease,
                   sessions_->Acquire({caller.identity, request.session_id()},
                                      clock_(), caller.connection));
  SessionState& session = lease.session();
  // A kept policy belongs to the session's present weights.
  SessionRestart restart =
      request.keep_policy() ? SessionRestart() : Afresh(session);
  restart.seed = request.has_seed() ? request.seed() : session.seed;
  v1::Session reset = ToProto(session);
  if (restart.model != nullptr) {
    *reset.mutable_model() = ToProto(*restart.model);
    *reset.mutable_settings() = ToProto(restart.settings);
  }
  reset.set_seed(restart.seed);
  reset.set_next_decision(0);
  keeper_->BeginsAnew(session, restart);
  RETURN_IF_ERROR(lease.Restart(std::move(restart), clock_()));
  return reset;
}

SessionRestart SessionOperations::Afresh(const SessionState& session) {
  SessionRestart restart;
  const LoadedModel& own = *session.model;
  const auto served = models_->Find(own.name());
  if (served.ok() && *served != session.model) {
    const auto settings = SettingsOn(**served, session, limits_);
    if (settings.ok()) {
      restart.model = *served;
      restart.settings = *settings;
    } else {
      log_.Failure("session keeps its weights", settings.status(), session.id,
                   session.owner, {});
    }
  }
  const LoadedModel& model = restart.model ? *restart.model : own;
  restart.parameters = model.engine->NewParameters();
  return restart;
}

absl::Status SessionOperations::Close(const v1::CloseSessionRequest& request,
                                      const Caller& caller,
                                      const CallTags& tags) {
  RETURN_IF_ERROR(CheckIdLength(request.session_id()));
  RETURN_IF_ERROR(
      sessions_->Close({caller.identity, request.session_id()}, clock_()));
  metrics_->sessions.Decrement();
  log_.SessionEvent("session closed", request.session_id(), "", tags);
  return absl::OkStatus();
}

void SessionOperations::Export(const v1::ExportSessionRequest& request,
                               const Caller& caller, Exported done) {
  if (const absl::Status id = CheckIdLength(request.session_id()); !id.ok()) {
    return done(id);
  }
  const auto again = [this, request, caller, done](const auto&) {
    Export(request, caller, done);
  };
  auto held = sessions_->AcquireBetween({caller.identity, request.session_id()},
                                        again, clock_());
  if (!held.ok()) return done(held.status());
  if (auto* lease = std::get_if<SessionLease>(&*held)) {
    const v1::SavedSession saved = Save(lease->session());
    *lease = SessionLease();  // Before `done`, which may close the session.
    v1::SessionSnapshot snapshot;
    snapshot.set_snapshot(EncodeSnapshot(saved));
    done(std::move(snapshot));
  }
}

absl::StatusOr<v1::Session> SessionOperations::Import(
    const v1::SessionSnapshot& snapshot, const Caller& caller,
    const CallTags& tags) {
  absl::StatusOr<v1::Session> imported = TryImport(snapshot, caller);
  if (imported.ok()) {
    log_.SessionEvent("session imported", imported->session_id(),
                      imported->model().name(), tags);
  } else {
    metrics_->CountRefusal(imported.status());
    log_.Failure("session not imported", imported.status(), "", caller.owner(),
                 tags);
  }
  return imported;
}

absl::StatusOr<v1::Session> SessionOperations::TryImport(
    const v1::SessionSnapshot& snapshot, const Caller& caller) {
  ASSIGN_OR_RETURN(const v1::SavedSession saved,
                   DecodeSnapshot(snapshot.snapshot()));
  ASSIGN_OR_RETURN(SessionState session,
                   Describe(OpeningRequest(saved), caller));
  RETURN_IF_ERROR(Restore(saved, session));
  const v1::Session imported = ToProto(session);
  Expire();
  ASSIGN_OR_RETURN(
      SessionLease lease,
      sessions_->Open(std::move(session), clock_(), caller.connection));
  metrics_->sessions.Increment();
  keeper_->Began(lease.session());
  RETURN_IF_ERROR(lease.Install(clock_()));
  return imported;
}

absl::Status SessionOperations::Resume(const KeptSession& kept) {
  ASSIGN_OR_RETURN(SessionState session,
                   Describe(OpeningRequest(kept.session),
                            {kept.session.owner(), /*connection=*/""}));
  RETURN_IF_ERROR(Restore(kept.session, session));
  session.incarnation = kept.name.incarnation;
  const std::string id = session.id;
  const auto log = [&](absl::string_view event) {
    log_.SessionEvent(event, id, session.model->name(), {});
  };
  const absl::StatusOr<Replayed> replayed = Replay(kept.decisions, session);
  if (!replayed.ok()) {
    log("session's last decisions cannot be made again");
  } else if (replayed->different > 0) {
    log("session resumed on another variant of the engine");
  }
  ASSIGN_OR_RETURN(SessionLease lease,
                   sessions_->Open(std::move(session), clock_()));
  RETURN_IF_ERROR(lease.Install(clock_()));
  metrics_->sessions.Increment();
  log_.SessionEvent("session resumed", id, kept.session.model(), {});
  return absl::OkStatus();
}

absl::StatusOr<v1::ListSessionsResponse> SessionOperations::List(
    const v1::ListSessionsRequest& request) const {
  return ListSessions(request, *sessions_, clock_());
}

void SessionOperations::Lose(const KeptName& name) {
  const SessionName session = NameIn(name.key);
  if (sessions_->Drop(session, name.incarnation, name.epoch)) {
    NoteLost(session);
  }
}

void SessionOperations::NoteLost(const SessionName& name) {
  metrics_->sessions.Decrement();
  log_.SessionEvent("session taken over by another server",
                    std::string(name.id), "", {});
}

void SessionOperations::WhenHere(
    const std::string& session_id, const Caller& caller,
    std::function<void(const absl::Status&)> next) {
  const SessionName name(caller.identity, session_id);
  if (take_overs_ == nullptr || !CheckIdLength(session_id).ok() ||
      sessions_->Find(name)) {
    return next(absl::OkStatus());
  }
  take_overs_->Start(name, /*known_epoch=*/0,
                     [next = std::move(next)](const absl::Status& taken) {
                       next(absl::IsNotFound(taken) ? absl::OkStatus() : taken);
                     });
}

void SessionOperations::WhenBegun(
    const v1::Session& session, const Caller& caller, bool named_by_client,
    std::function<void(const absl::Status&)> done) const {
  const auto begun = [this, id = session.session_id(),
                      identity = caller.identity, done = std::move(done)] {
    done(sessions_->Find({identity, id})
             ? absl::OkStatus()
             : MakeError(Reason::kSessionExists,
                         absl::StrCat("session \"", id,
                                      "\" is open on another server, expected "
                                      "a new id")));
  };
  named_by_client ? keeper_->WhenBegun(begun) : keeper_->WhenKept(begun);
}

void SessionOperations::Expire() {
  for (const std::string& id : sessions_->Expire(clock_())) {
    metrics_->sessions.Decrement();
    metrics_->sessions_expired.Increment();
    log_.SessionEvent("session expired", id, "", {});
  }
}

}  // namespace foresight
