// One control loop on a server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "foresight/call_options.h"
#include "foresight/proto/adaptation.pb.h"

namespace foresight {

class ControlStream;
class SessionCalls;

struct ActOptions {
  CallOptions call;
  // The server's time for this decision; unset: only the call's timeout.
  std::optional<absl::Duration> budget;
  bool report_objective_after = false;  // Costs one more imagined rollout.
  // 0..64: the number of actions in the answer's `plan`, for later steps whose
  // answer is late.
  uint32_t plan_length = 0;
  // Null: a separate call. Else a stream to the replica that Place returns.
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
// may be used on separate threads. It keeps its connections open. A session
// that was moved from may only be destroyed or assigned to.
//
// With several replicas it stays at the replica where it was opened until that
// replica drains, cannot be reached or does not answer. Then it goes to the
// next one in its order, which takes it over from the servers' shared store.
class RemoteSession {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;
  using OnAnswer = std::function<void(Answer)>;

  // Closes; waits at most a second, ignores errors.
  ~RemoteSession();
  RemoteSession(RemoteSession&&) noexcept;
  RemoteSession& operator=(RemoteSession&&) noexcept;

  const std::string& id() const;
  // The session's model, complete settings and seed, as the server confirmed
  // them.
  const v1::Session& description() const;
  uint64_t next_decision() const;
  // The newest epoch that the server has shown. A call whose answer has an
  // older one is retried, and is Unavailable if that does not help.
  uint64_t epoch() const;
  int64_t stale_answers() const;
  // The number of answered decisions that the server lost in a crash. The
  // session went on from the one before them, with the newest observation.
  int64_t lost_decisions() const;

  // The action for `observation` [S], in raw units. After an error it is
  // unknown whether the server decided. In either case call again, with the
  // same observation or a newer one.
  // Errors: as adaptation.proto lists for Act; on a stream also those of
  // ControlStream::Act.
  Answer Act(absl::Span<const float> observation,
             const ActOptions& options = {});
  // Sends the observation as float32.
  Answer Act(absl::Span<const double> observation,
             const ActOptions& options = {});

  // Act, but returns at once and calls `on_answer` exactly once: on a thread of
  // gRPC, or inside ActAsync if the request cannot be sent. It tries once;
  // after an error call again, as for Act. On a stream options.call does not
  // apply.
  //
  // From the call until `on_answer`, only the session's destructor may be
  // called: it gives up an outstanding decision, whose answer is then
  // Cancelled. `on_answer` may call ActAsync for the next decision if this one
  // was answered without an error. It must not block, make other calls or
  // destroy the session.
  void ActAsync(absl::Span<const float> observation, const ActOptions& options,
                OnAnswer on_answer);
  void ActAsync(absl::Span<const double> observation, const ActOptions& options,
                OnAnswer on_answer);

  // Goes back to decision 0 for the next episode, with the pretrained policy
  // unless the options keep the adapted one.
  // Errors: NotFound (SESSION_UNKNOWN); Aborted (DECISION_IN_FLIGHT).
  absl::Status Reset(const ResetOptions& options = {});

  // Closes the session on the server. Closing again does nothing.
  // Errors: NotFound (SESSION_UNKNOWN): it had expired or was lost.
  absl::Status Close(const CallOptions& call = {});

  // For loops that choose the stream of each decision:
  // The replica for the next call; it may differ from that of the last call.
  int Place();
  // The replica of the last call.
  int replica() const;
  // Whether Place will avoid the replica of the last call, because it drains or
  // did not answer.
  bool leaving() const;

 private:
  friend class AdaptationClient;
  friend SessionCalls& CallsOf(RemoteSession& session);
  explicit RemoteSession(std::unique_ptr<SessionCalls> calls);

  std::unique_ptr<SessionCalls> calls_;  // Null once moved from.
};

}  // namespace foresight
