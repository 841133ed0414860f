// The calls that a RemoteSession makes, in the session's order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/connection.h"
#include "client/decision_sequence.h"
#include "client/pending_act.h"
#include "client/replicas.h"
#include "foresight/reconnecting_stream.h"
#include "foresight/remote_session.h"
#include "foresight/steady_time.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// RemoteSession documents the functions of the same name.
//
// Not thread-safe. While a decision of ActAsync is outstanding, gRPC's thread
// uses it.
class SessionCalls {
 public:
  using Answer = RemoteSession::Answer;

  SessionCalls(std::shared_ptr<const Replicas> replicas, int replica,
               v1::Session description);
  ~SessionCalls();
  SessionCalls(const SessionCalls&) = delete;
  SessionCalls& operator=(const SessionCalls&) = delete;

  const std::string& id() const { return description_.session_id(); }
  const v1::Session& description() const { return description_; }
  const DecisionSequence& decisions() const { return decisions_; }

  int Place();
  // The replica of the last call.
  int replica() const { return replica_; }
  // Records that the replica does not answer: Place avoids it the next time.
  void Leave() { leaving_ = true; }
  bool leaving() const { return leaving_; }

  Answer Act(absl::Span<const float> observation, const ActOptions& options);
  void ActAsync(absl::Span<const float> observation, const ActOptions& options,
                RemoteSession::OnAnswer on_answer);

  // The two halves of Act, for a loop that must not wait for it
  // (foresight/control_loop.h). Begin asks the replica of Place(), on `stream`
  // or, if that is null, with a call of its own that ends after
  // options.call.timeout; options.stream is not used. Finish takes the answer;
  // one that must not be acted on becomes an error. One decision at a time, no
  // retries; after kAlign the next Begin lets the server say the index.
  std::unique_ptr<PendingAct> Begin(absl::Span<const float> observation,
                                    const ActOptions& options,
                                    ReconnectingStream* stream);
  DecisionSequence::Next Finish(Answer& answer);

  absl::Status Reset(const ResetOptions& options);
  absl::Status Close(const CallOptions& call);

 private:
  struct AsyncAct;
  class AsyncGate;

  // Calls `method` at Place(). Retries it if a repeated call does no harm; else
  // tries it once more only if the replica could not be reached.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (v1::Adaptation::StubInterface::*method)(
          grpc::ClientContext*, const Request&, Response*),
      const Request& request, const CallOptions& options,
      Connection::Repeat repeat);
  // Notes how a call ended, for Place.
  void Learn(const absl::Status& status);
  Answer Decide(const v1::ActRequest& request, const ActOptions& options,
                SteadyTime deadline);
  // Sends async_'s request with the next index.
  void SendAsync();
  // Answers async_, or sends it with another index if the server says so.
  void EndAsync(Answer answer);

  const std::shared_ptr<const Replicas> replicas_;
  v1::Session description_;
  DecisionSequence decisions_;
  int replica_;
  bool leaving_ = false;
  bool closed_ = false;
  std::unique_ptr<AsyncAct> async_;  // The last decision of ActAsync.
  const std::shared_ptr<AsyncGate> gate_;
};

// Only while `session` has not been moved from.
SessionCalls& CallsOf(RemoteSession& session);

}  // namespace foresight
