// The operations on sessions other than decisions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/adaptation.pb.h"
#include "proto/admin.pb.h"
#include "server/decisions/call_log.h"
#include "server/decisions/caller.h"
#include "server/decisions/request_checks.h"
#include "server/decisions/session_keeper.h"
#include "server/decisions/take_overs.h"
#include "server/durability/state_store.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/sessions/session_store.h"
#include "server/support/call_tags.h"
#include "server/support/clock.h"

namespace foresight {

// Thread-safe. Errors as adaptation.proto names them for each method.
class SessionOperations {
 public:
  struct Options {
    absl::Duration idle_timeout = absl::Seconds(60);  // Positive.
    absl::Duration max_idle_timeout = absl::Hours(1);
  };

  // All objects pointed to outlive this. `take_overs` is null if no other
  // server's sessions can be taken over.
  SessionOperations(Options options, RequestLimits limits,
                    const ModelRegistry* models, SessionStore* sessions,
                    const SessionKeeper* keeper, Metrics* metrics,
                    Clock clock = MonotonicNow, TakeOvers* take_overs = nullptr)
      : options_(options),
        limits_(limits),
        models_(models),
        sessions_(sessions),
        keeper_(keeper),
        metrics_(metrics),
        take_overs_(take_overs),
        clock_(std::move(clock)),
        log_(clock_) {}

  // Opens a session that belongs to the caller: nobody else can name it. `tags`
  // are for the log.
  absl::StatusOr<v1::Session> Open(const v1::OpenSessionRequest& request,
                                   const Caller& caller = {},
                                   const CallTags& tags = {});
  absl::StatusOr<v1::Session> Reset(const v1::ResetSessionRequest& request,
                                    const Caller& caller = {});
  absl::Status Close(const v1::CloseSessionRequest& request,
                     const Caller& caller = {}, const CallTags& tags = {});

  using Exported = std::function<void(absl::StatusOr<v1::SessionSnapshot>)>;
  // Calls `done` once: before it returns, or when the session's running
  // decision has ended. The session stays open.
  void Export(const v1::ExportSessionRequest& request, const Caller& caller,
              Exported done);
  // Opens a snapshot's session at its next decision, in the next epoch.
  absl::StatusOr<v1::Session> Import(const v1::SessionSnapshot& snapshot,
                                     const Caller& caller = {},
                                     const CallTags& tags = {});

  // Opens a kept session at its next decision, in the next epoch.
  // Errors: as Import; then the session is not opened.
  absl::Status Resume(const KeptSession& kept);

  // Open sessions of all callers, for an administrator.
  // Errors: SETTINGS_INVALID: page_size or page_token is not valid.
  absl::StatusOr<v1::ListSessionsResponse> List(
      const v1::ListSessionsRequest& request) const;
  // Drops a session that another server has taken over, if it is still here.
  void Lose(const KeptName& name);
  // Call it when the session has been dropped.
  void NoteLost(const SessionName& name);

  // Calls `next` once the session is here, if any server has it.
  // Errors: STORE_UNAVAILABLE, SESSION_MOVED, DRAINING. SESSION_UNKNOWN is not
  // an error here: `next` finds out.
  void WhenHere(const std::string& session_id, const Caller& caller,
                std::function<void(const absl::Status&)> next);

  // Calls `done` when everything opened, reset or closed so far is as safe as
  // the durability demands.
  void WhenKept(std::function<void()> done) const {
    keeper_->WhenKept(std::move(done));
  }
  // As WhenKept, for a session that was opened or imported. Error:
  // SESSION_EXISTS: another server has a session of that name, so this one is
  // not open here.
  void WhenBegun(const v1::Session& session, const Caller& caller,
                 bool named_by_client,
                 std::function<void(const absl::Status&)> done) const;

  // Frees the sessions whose idle timeout is over.
  void Expire();

 private:
  absl::StatusOr<v1::Session> TryOpen(const v1::OpenSessionRequest& request,
                                      const Caller& caller);
  absl::StatusOr<v1::Session> TryImport(const v1::SessionSnapshot& snapshot,
                                        const Caller& caller);
  absl::StatusOr<SessionState> Describe(const v1::OpenSessionRequest& request,
                                        const Caller& caller) const;
  // A reset takes the weights that are now served under the model's name. If
  // there are none, or the session does not fit them, it keeps its own weights;
  // a misfit is logged.
  SessionRestart Afresh(const SessionState& session);

  const Options options_;
  const RequestLimits limits_;
  const ModelRegistry* const models_;
  SessionStore* const sessions_;
  const SessionKeeper* const keeper_;
  Metrics* const metrics_;
  TakeOvers* const take_overs_;
  const Clock clock_;
  CallLog log_;
};

}  // namespace foresight
