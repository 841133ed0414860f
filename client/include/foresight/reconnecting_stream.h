// A stream of decisions that reopens after it ends.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "foresight/control_stream.h"
#include "foresight/proto/adaptation.pb.h"
#include "foresight/retry_policy.h"

namespace foresight {

class Connection;
class Replicas;

// Has a ControlStream for each replica that requests are sent to, and replaces
// it after it has ended. The outstanding requests of an ended stream are
// answered with an error: ask again with the same decision_index, and the
// server decides once. The first new stream waits for `backoff`, and later ones
// wait longer until an answer shows that a stream works. Requests during a wait
// are Unavailable at once, with the time to wait as RetryAfter.
//
// Thread-safe. Starts no thread. Only its destruction blocks, until all
// outstanding requests are answered with Cancelled.
class ReconnectingStream {
 public:
  struct Options {
    // Its max_attempts does not apply: there is always another attempt.
    RetryPolicy backoff = {1, absl::Milliseconds(50), absl::Seconds(2)};
    uint64_t seed = 0;  // Draws the jitter; choose one for each client.
  };

  ReconnectingStream(std::shared_ptr<const Replicas> replicas,
                     const Options& options);
  // To a single server.
  ReconnectingStream(std::shared_ptr<const Connection> connection,
                     const Options& options);
  ~ReconnectingStream();
  ReconnectingStream(const ReconnectingStream&) = delete;
  ReconnectingStream& operator=(const ReconnectingStream&) = delete;

  // As ControlStream::Send. `on_answer` must not call Send.
  void Send(const v1::ActRequest& request, ControlStream::OnAnswer on_answer,
            int replica = 0);

  // Ends the current stream to the replica. Call it if an answer is so late
  // that the connection must be dead. Nothing more is sent on it.
  void Renew(int replica = 0);

  // Streams opened after the first to each replica.
  int64_t reconnects() const;

 private:
  class Streams;

  const std::unique_ptr<Streams> streams_;
};

}  // namespace foresight
