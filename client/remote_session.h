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
  ControlStream* stream = nullptr;  // Null: a separate call.
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
// may be used on separate threads. It keeps its connection open.
class RemoteSession {
 public:
  RemoteSession(std::shared_ptr<const Connection> connection,
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

  // The action for `observation` [S], raw units. After an error it is unknown
  // whether the server decided. In either case call again, with the same
  // observation or a newer one.
  // Errors: as adaptation.proto lists for Act; on a stream also those of
  // ControlStream::Act.
  absl::StatusOr<v1::ActResponse> Act(absl::Span<const float> observation,
                                      const ActOptions& options = {});

  // The two halves of Act, for a loop that must not wait (see
  // client/control_loop.h). Begin sends the request on `stream` or, if that is
  // null, as a separate call that ends after options.call.timeout;
  // options.stream is not used. Finish processes the answer and turns one that
  // must not be acted on into an error. One at a time, without retries. If
  // Finish gave kAlign, the next Begin asks the server where the session is.
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
  absl::StatusOr<v1::ActResponse> Decide(const v1::ActRequest& request,
                                         const ActOptions& options,
                                         SteadyTime deadline);

  const std::shared_ptr<const Connection> connection_;
  v1::Session description_;
  DecisionSequence decisions_;
  bool closed_ = false;
};

}  // namespace foresight
