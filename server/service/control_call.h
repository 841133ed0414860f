// One Control stream: many decisions at once, answered as they become ready.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "proto/adaptation.pb.h"
#include "server/decisions/caller.h"
#include "server/decisions/decision_maker.h"
#include "server/metrics/metrics.h"
#include "server/support/call_tags.h"

namespace foresight {

// gRPC calls the On... methods; decisions call back on any thread. The next
// actions are chosen under the lock and done once it is released.
//
// After a refusal with a time to wait, nothing is read from the client for that
// time. Otherwise the client could keep the server busy with refusals.
//
// Owns itself until OnDone; others hold it by weak_ptr.
class ControlCall final
    : public grpc::ServerBidiReactor<v1::ActRequest, v1::ControlResponse> {
 public:
  struct Options {
    // >= 1; with this many unanswered requests, no more is read.
    size_t max_in_flight = 256;
    // While requests and answers hold more bytes than this, no more is read.
    size_t max_bytes = 4 << 20;
    // The limit of one request, in a stream or not. The transport allows longer
    // messages, for snapshots.
    size_t max_message_bytes = 1 << 20;
  };

  // Identifies the caller, or returns an error if it may no longer call: a
  // stream can outlive a token.
  using Identify = std::function<absl::StatusOr<Caller>()>;

  // `maker` and `metrics` outlive it. `identify` is called for each request
  // until the stream's end; its errors answer the request.
  static std::shared_ptr<ControlCall> Start(
      Options options, grpc::CallbackServerContext* context, Identify identify,
      DecisionMaker* maker, Metrics* metrics);

  // Ends the stream as soon as all requests that were read are answered.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // The actions that have become possible.
  struct Next {
    bool read = false;
    bool write = false;
    bool finish = false;
  };

  ControlCall(Options options, Identify identify, absl::Time deadline,
              CallTags tags, DecisionMaker* maker, Metrics* metrics);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mutex_);

  void StartDecision(v1::ActRequest request) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnAnswer(uint64_t number, size_t request_bytes,
                v1::ControlResponse response) ABSL_LOCKS_EXCLUDED(mutex_);
  // Reads nothing more for `time`.
  void Pause(absl::Duration time) ABSL_LOCKS_EXCLUDED(mutex_);
  void Resume() ABSL_LOCKS_EXCLUDED(mutex_);
  Next Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(Next next) ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  const Identify identify_;
  const absl::Time deadline_;
  const CallTags tags_;
  DecisionMaker* const maker_;
  Metrics* const metrics_;
  v1::ActRequest request_;  // The read in progress fills it.

  absl::Mutex mutex_;
  std::shared_ptr<ControlCall> self_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_all_ ABSL_GUARDED_BY(mutex_) = false;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;  // answers_.front().
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // Threads that have decided to start a read or a write but have not yet done
  // so.
  int beginning_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t requests_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // Held by calls_ and answers_.
  absl::flat_hash_map<uint64_t, DecisionMaker::Call> calls_
      ABSL_GUARDED_BY(mutex_);  // Unanswered, by number.
  std::deque<v1::ControlResponse> answers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
