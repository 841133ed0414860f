// One control loop on a server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/connection.h"
#include "client/control_stream.h"
#include "client/decision_sequence.h"
#include "client/pending_act.h"
#include "client/reconnecting_stream.h"
#include "client/replicas.h"
#include "client/steady_time.h"
#include "proto/adaptation.pb.h"

namespace foresight {

struct ActOptions {
  CallOptions call;
  // The server's time for this decision; unset: only the call's timeout.
  std::optional<absl::Duration> budget;
  bool report_objective_after = false;  // Costs one more imagined rollout.
  // 0..64: the number of actions in the answer's `plan`, for later steps whose
  // answer is late.
  uint32_t plan_length = 0;
  // Null: a separate call. Else to the replica that RemoteSession::Place says.
  ControlStream* stream = nullptr;
};

struct ResetOptions {
  std::optional<uint64_t> seed;  // Unset: as before.
  // Continue with the adapted policy instead of the pretrained one.
  bool keep_policy = false;
  CallOptions call;
};

// Made by AdaptationClient::OpenSession, closed when destroyed. It numbers its
// decisions, so that a call whose answer was lost can be repeated: the server
// decides once and gives the same answer again.
//
// Not thread-safe, as a loop makes one decision at a time; separate sessions
// may be used on separate threads. It keeps its connections open.
//
// With several replicas it stays at the one that it was opened on until that
// drains, cannot be reached or does not answer; then it goes to the next one in
// its order (client/replicas.h), which takes it over from the store that the
// servers share.
class RemoteSession {
 public:
  RemoteSession(std::shared_ptr<const Replicas> replicas, int replica,
                v1::Session description);
  ~RemoteSession();  // Closes; waits at most a second, ignores errors.
  RemoteSession(const RemoteSession&) = delete;
  RemoteSession& operator=(const RemoteSession&) = delete;

  const std::string& id() const { return description_.session_id(); }
  // The session's model, complete settings and seed, as the server confirmed
  // them.
  const v1::Session& description() const { return description_; }
  uint64_t next_decision() const { return decisions_.next(); }
  // The newest epoch that the server has shown. A call whose answer has an
  // older one is retried, and is Unavailable if that does not help.
  uint64_t epoch() const { return decisions_.epoch(); }
  int64_t stale_answers() const { return decisions_.stale_answers(); }
  // Decisions that had been answered and that the server lost in a crash: the
  // session went on from the one before them, with the newest observation.
  int64_t lost_decisions() const { return decisions_.lost_decisions(); }

  // The replica for the next call, which may be another one than for the last.
  int Place();
  // The replica of the last call.
  int replica() const { return replica_; }
  // The replica does not answer: Place avoids it the next time.
  void Leave() { leaving_ = true; }
  bool leaving() const { return leaving_; }

  // The action for `observation` [S], raw units. After an error it is unknown
  // whether the server decided. In either case call again, with the same
  // observation or a newer one.
  // Errors: as adaptation.proto lists for Act; on a stream also those of
  // ControlStream::Act.
  absl::StatusOr<v1::ActResponse> Act(absl::Span<const float> observation,
                                      const ActOptions& options = {});

  // The two halves of Act, for a loop that must not wait for it (see
  // client/control_loop.h). Begin asks, on `stream` or, if that is null, with a
  // call of its own that ends after options.call.timeout; options.stream is not
  // used. It goes where Place says. Finish takes what was answered: an answer
  // that is not to be acted on becomes an error. One at a time, without
  // retries; if Finish gave kAlign, the next Begin lets the server say where
  // the session is.
  std::unique_ptr<PendingAct> Begin(absl::Span<const float> observation,
                                    const ActOptions& options,
                                    ReconnectingStream* stream);
  DecisionSequence::Next Finish(absl::StatusOr<v1::ActResponse>& answer);

  // Goes back to decision 0 for the next episode, with the pretrained policy
  // unless the options keep the adapted one.
  // Errors: NotFound (SESSION_UNKNOWN); Aborted (DECISION_IN_FLIGHT).
  absl::Status Reset(const ResetOptions& options = {});

  // Closes the session on the server. Closing again does nothing.
  // Errors: NotFound (SESSION_UNKNOWN): it had expired or was lost.
  absl::Status Close(const CallOptions& call = {});

 private:
  // `method` with `request` where Place says, again with retries if a repeated
  // call does no harm, else once more if the replica could not be reached.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (v1::Adaptation::StubInterface::*method)(
          grpc::ClientContext*, const Request&, Response*),
      const Request& request, const CallOptions& options,
      Connection::Repeat repeat);
  // Takes note of where a call ended.
  void Learn(const absl::Status& status);
  absl::StatusOr<v1::ActResponse> Decide(const v1::ActRequest& request,
                                         const ActOptions& options,
                                         SteadyTime deadline);

  const std::shared_ptr<const Replicas> replicas_;
  v1::Session description_;
  DecisionSequence decisions_;
  int replica_;
  bool leaving_ = false;
  bool closed_ = false;
};

}  // namespace foresight
