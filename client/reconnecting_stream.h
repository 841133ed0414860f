// A stream of decisions that reopens after it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/backoff_timer.h"
#include "client/control_stream.h"
#include "client/replicas.h"

namespace foresight {

// A ControlStream for each replica that something is sent to, and another one
// when it has ended. All that was outstanding
// on the ended one is answered with an error: ask again with the same
// decision_index, and the server decides once. The first new stream waits for
// `backoff`, later ones longer until an answer shows that a stream works; until
// then a request is Unavailable at once, with the time to wait as RetryAfter.
//
// Thread-safe. Starts no thread. Only its destruction blocks, until all
// outstanding requests are answered with Cancelled.
class ReconnectingStream {
 public:
  struct Options {
    // Its max_attempts does not apply: there is always another attempt.
    RetryPolicy backoff = {1, absl::Milliseconds(50), absl::Seconds(2)};
    uint64_t seed = 0;  // Draws the jitter; differs for each client.
  };

  ReconnectingStream(std::shared_ptr<const Replicas> replicas,
                     const Options& options);
  // To a single server.
  ReconnectingStream(std::shared_ptr<const Connection> connection,
                     const Options& options)
      : ReconnectingStream(
            std::make_shared<const Replicas>(std::move(connection)), options) {}
  ~ReconnectingStream();
  ReconnectingStream(const ReconnectingStream&) = delete;
  ReconnectingStream& operator=(const ReconnectingStream&) = delete;

  // As ControlStream::Send. An `on_answer` must not call it.
  void Send(const v1::ActRequest& request, ControlStream::OnAnswer on_answer,
            int replica = 0) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the current stream to the replica. Call it if an answer is so late
  // that the connection must be dead. Nothing more is sent on it.
  void Renew(int replica = 0) ABSL_LOCKS_EXCLUDED(mutex_);

  // Streams opened after the first to each replica.
  int64_t reconnects() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // To one replica.
  struct Line {
    BackoffTimer backoff;
    int64_t opened = 0;
    std::shared_ptr<ControlStream> current;  // Null: none.
  };

  // The stream to send on, opened if necessary. Errors: Unavailable: it is too
  // early for another one.
  absl::StatusOr<std::shared_ptr<ControlStream>> Current(int replica,
                                                         SteadyTime now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Learns from an answer on `stream` whether it works or has ended.
  void Learn(int replica, const ControlStream* stream,
             const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void Retire(Line& line, const absl::Status& status, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<const Replicas> replicas_;

  mutable absl::Mutex mutex_;
  std::vector<Line> lines_ ABSL_GUARDED_BY(mutex_);  // One a replica.
  // Ended streams that may still have answers to give.
  std::vector<std::shared_ptr<ControlStream>> retired_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
