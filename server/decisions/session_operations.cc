#include "server/decisions/session_operations.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "models/support/status_macros.h"
#include "server/decisions/messages.h"
#include "server/decisions/request_checks.h"
#include "server/support/log.h"
#include "server/support/random.h"

namespace foresight {
namespace {

// Enough to tell sessions apart in a log, too little to use one.
std::string Abbreviated(absl::string_view session_id) {
  constexpr size_t kShown = 8;
  if (session_id.size() <= kShown) return absl::CHexEscape(session_id);
  return absl::CHexEscape(session_id.substr(0, kShown)) + "...";
}

}  // namespace

absl::StatusOr<v1::Session> SessionOperations::Open(
    const v1::OpenSessionRequest& request, const std::string& owner) {
  absl::StatusOr<v1::Session> opened = TryOpen(request, owner);
  if (!opened.ok()) metrics_->CountRefusal(opened.status());
  return opened;
}

absl::StatusOr<v1::Session> SessionOperations::TryOpen(
    const v1::OpenSessionRequest& request, const std::string& owner) {
  ASSIGN_OR_RETURN(SessionState session, Describe(request, owner));
  const auto model = session.model;
  const uint64_t seed = session.seed;
  const v1::Session opened = ToProto(session);
  Expire();
  ASSIGN_OR_RETURN(SessionLease lease,
                   sessions_->Open(std::move(session), clock_()));
  metrics_->sessions.Increment();
  RETURN_IF_ERROR(
      lease.Restart(model->engine->NewParameters(), seed, clock_()));
  LogInfo("session opened id=", Abbreviated(opened.session_id()),
          " model=", model->name());
  return opened;
}

absl::StatusOr<SessionState> SessionOperations::Describe(
    const v1::OpenSessionRequest& request, const std::string& owner) const {
  SessionState session;
  session.owner = owner;
  ASSIGN_OR_RETURN(session.model, models_->Find(request.model()));
  session.id = request.session_id().empty() ? RandomId() : request.session_id();
  RETURN_IF_ERROR(CheckSessionId(session.id));
  const Bundle& bundle = *session.model->bundle;
  session.observation_size = bundle.observation_size();
  ASSIGN_OR_RETURN(session.settings, CheckSettings(request.settings(), bundle,
                                                   options_.max_samples));
  RETURN_IF_ERROR(CheckStepTime(*session.model, session.settings,
                                options_.max_decision_time));
  ASSIGN_OR_RETURN(session.idle_timeout,
                   CheckIdleTimeout(request, options_.idle_timeout,
                                    options_.max_idle_timeout));
  session.seed = request.has_seed() ? request.seed() : RandomSeed();
  return session;
}

absl::StatusOr<v1::Session> SessionOperations::Reset(
    const v1::ResetSessionRequest& request) {
  RETURN_IF_ERROR(CheckIdLength(request.session_id()));
  ASSIGN_OR_RETURN(SessionLease lease,
                   sessions_->Acquire(request.session_id(), clock_()));
  const SessionState& session = lease.session();
  const uint64_t seed = request.has_seed() ? request.seed() : session.seed;
  v1::Session reset = ToProto(session);
  reset.set_seed(seed);
  reset.set_next_decision(0);
  RETURN_IF_ERROR(lease.Restart(
      request.keep_policy() ? nullptr : session.model->engine->NewParameters(),
      seed, clock_()));
  return reset;
}

absl::Status SessionOperations::Close(const v1::CloseSessionRequest& request) {
  RETURN_IF_ERROR(CheckIdLength(request.session_id()));
  RETURN_IF_ERROR(sessions_->Close(request.session_id(), clock_()));
  metrics_->sessions.Decrement();
  LogInfo("session closed id=", Abbreviated(request.session_id()));
  return absl::OkStatus();
}

void SessionOperations::Expire() {
  for (const std::string& id : sessions_->Expire(clock_())) {
    metrics_->sessions.Decrement();
    metrics_->sessions_expired.Increment();
    LogInfo("session expired id=", Abbreviated(id));
  }
}

}  // namespace foresight
