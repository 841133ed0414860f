// The stream of a ControlStream, which is its only user.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

// Matches answers to requests by session and decision. gRPC calls the On...
// functions; OnDone is the last.
//
// Thread-safe.
class ControlReactor
    : public grpc::ClientBidiReactor<v1::ActRequest, v1::ControlResponse> {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;
  using OnAnswer = std::function<void(Answer)>;
  using Key = std::pair<std::string, uint64_t>;  // Session, decision.

  // Opens the stream on `stub`.
  explicit ControlReactor(v1::Adaptation::StubInterface& stub);
  // Destroy it only after AwaitDone, and not on a thread of gRPC: this may
  // release the channel's last reference, which joins those threads.
  ~ControlReactor() override = default;

  // As ControlStream::Send. Returns a ticket for GiveUp.
  uint64_t Send(const v1::ActRequest& request, OnAnswer on_answer)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Ignores the request's answer if it still comes.
  void GiveUp(const Key& key, uint64_t ticket) ABSL_LOCKS_EXCLUDED(mutex_);

  // Nothing more can be sent.
  bool ended() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return ending_;
  }
  // Everything has been answered and the stream is gone.
  bool done() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return done_;
  }
  void Cancel() { context_.TryCancel(); }
  // Returns when everything has been answered and the stream is gone.
  void AwaitDone() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
  }

 private:
  struct Pending {
    uint64_t ticket;  // The waiter's.
    std::vector<float> observation;
    OnAnswer on_answer;  // Null once given up.
  };

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone(const grpc::Status& status) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Begins to write the next request if no write is in progress. If the stream
  // is ending, releases the hold instead.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::ClientContext context_;
  v1::ControlResponse response_;  // Being read.
  v1::ActRequest writing_;        // Being written, while in_write_.

  mutable absl::Mutex mutex_;
  std::map<Key, Pending> pending_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::ActRequest> queue_ ABSL_GUARDED_BY(mutex_);  // To write.
  bool in_write_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;  // No more reads or writes.
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
  bool token_refused_ ABSL_GUARDED_BY(mutex_) = false;  // Sets ending_.
  uint64_t next_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;  // All has been answered.
};

}  // namespace foresight
