// One Control stream of a load.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/load/transport.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

// A Transport for the loops that share a stream. It is leaner than
// ControlReactor: a session has one request at a time, so answers are matched
// by their session, and nothing is copied or allocated for a request.
//
// Thread-safe; gRPC calls the On... functions; OnDone is the last.
class LoadStream
    : public grpc::ClientBidiReactor<v1::ActRequest, v1::ControlResponse> {
 public:
  // The loops are first_loop, first_loop + 1, ..., one for each session.
  LoadStream(v1::Adaptation::Stub& stub, int first_loop,
             absl::Span<const std::string> sessions, AnswerReceiver* receiver);
  // Ends the stream. Must not run on a thread of gRPC.
  ~LoadStream() override;

  void Send(int loop, absl::Span<const float> observation,
            absl::Duration time_left) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone(const grpc::Status& status) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Begins the next write if no write is in progress. If the stream is ending,
  // releases the hold instead.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);

  const int first_loop_;
  AnswerReceiver* const receiver_;
  std::unordered_map<std::string, int> index_of_;  // By session; from 0.
  std::vector<v1::ActRequest> requests_;           // By index.
  grpc::ClientContext context_;
  v1::ControlResponse response_;  // Being read.

  absl::Mutex mutex_;
  std::vector<bool> waiting_ ABSL_GUARDED_BY(mutex_);  // By index.
  std::deque<int> queue_ ABSL_GUARDED_BY(mutex_);      // Indices to write.
  bool in_write_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;  // No more reads or writes.
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
  std::string end_ ABSL_GUARDED_BY(mutex_);  // Why it ended; else empty.
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace foresight
