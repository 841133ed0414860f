#include "foresight/reconnecting_stream.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "client/backoff_timer.h"
#include "client/error_conversion.h"
#include "client/replicas.h"
#include "foresight/call_error.h"

namespace foresight {

// The streams, one to each replica.
class ReconnectingStream::Streams {
 public:
  Streams(std::shared_ptr<const Replicas> replicas, const Options& options);
  ~Streams();

  void Send(const v1::ActRequest& request, ControlStream::OnAnswer on_answer,
            int replica) ABSL_LOCKS_EXCLUDED(mutex_);
  void Renew(int replica) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t reconnects() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // To one replica.
  struct Line {
    BackoffTimer backoff;
    int64_t opened = 0;
    std::shared_ptr<ControlStream> current;  // Null: none.
  };

  // The stream to send on, opened if necessary. Errors: Unavailable: it is too
  // early to open another one.
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
  std::vector<Line> lines_ ABSL_GUARDED_BY(mutex_);  // One per replica.
  // Ended streams that may still have answers to give.
  std::vector<std::shared_ptr<ControlStream>> retired_ ABSL_GUARDED_BY(mutex_);
};

ReconnectingStream::Streams::Streams(std::shared_ptr<const Replicas> replicas,
                                     const Options& options)
    : replicas_(std::move(replicas)) {
  for (int i = 0; i < replicas_->size(); ++i) {
    lines_.push_back(
        {BackoffTimer(options.backoff, options.seed + i), 0, nullptr});
  }
}

ReconnectingStream::Streams::~Streams() {
  std::vector<std::shared_ptr<ControlStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    streams.swap(retired_);
    for (Line& line : lines_) {
      if (line.current != nullptr) streams.push_back(std::move(line.current));
    }
  }
  // Closes them without the lock, which the last answers need.
}

void ReconnectingStream::Streams::Send(const v1::ActRequest& request,
                                       ControlStream::OnAnswer on_answer,
                                       int replica) {
  const auto stream = Current(replica, SteadyNow());
  if (!stream.ok()) return on_answer(stream.status());
  ControlStream* const sender = stream->get();
  sender->Send(request,
               [this, replica, sender, on_answer = std::move(on_answer)](
                   ControlStream::Answer answer) {
                 Learn(replica, sender, answer.status());
                 on_answer(std::move(answer));
               });
}

void ReconnectingStream::Streams::Renew(int replica) {
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[replica];
  if (line.current == nullptr) return;
  line.current->Cancel();
  Retire(line, absl::UnavailableError("the stream was given up"), SteadyNow());
}

int64_t ReconnectingStream::Streams::reconnects() const {
  absl::MutexLock lock(&mutex_);
  int64_t reconnects = 0;
  for (const Line& line : lines_) {
    reconnects += std::max<int64_t>(0, line.opened - 1);
  }
  return reconnects;
}

absl::StatusOr<std::shared_ptr<ControlStream>>
ReconnectingStream::Streams::Current(int replica, SteadyTime now) {
  std::vector<std::shared_ptr<ControlStream>> done;  // Freed without the lock.
  absl::MutexLock lock(&mutex_);
  const auto first_done =
      std::partition(retired_.begin(), retired_.end(),
                     [](const auto& stream) { return !stream->done(); });
  std::move(first_done, retired_.end(), std::back_inserter(done));
  retired_.erase(first_done, retired_.end());
  Line& line = lines_[replica];
  if (line.current != nullptr && line.current->broken()) {
    Retire(line, absl::UnavailableError("the stream ended"), now);
  }
  if (line.current == nullptr) {
    if (now < line.backoff.next()) {
      return CallError(absl::StatusCode::kUnavailable,
                       "the stream ended; it is too early to open another one",
                       "", Between(now, line.backoff.next()));
    }
    line.current =
        std::make_shared<ControlStream>(replicas_->connection(replica));
    ++line.opened;
  }
  return line.current;
}

void ReconnectingStream::Streams::Learn(int replica,
                                        const ControlStream* stream,
                                        const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[replica];
  if (stream != line.current.get()) return;
  if (status.ok() || !ErrorReasonName(status).empty()) {
    line.backoff.Succeed();
  } else if (stream->broken()) {
    Retire(line, status, SteadyNow());
  }
}

void ReconnectingStream::Streams::Retire(Line& line, const absl::Status& status,
                                         SteadyTime now) {
  retired_.push_back(std::exchange(line.current, nullptr));
  line.backoff.Fail(status, now);
}

ReconnectingStream::ReconnectingStream(std::shared_ptr<const Replicas> replicas,
                                       const Options& options)
    : streams_(std::make_unique<Streams>(std::move(replicas), options)) {}

ReconnectingStream::ReconnectingStream(
    std::shared_ptr<const Connection> connection, const Options& options)
    : ReconnectingStream(
          std::make_shared<const Replicas>(std::move(connection)), options) {}

ReconnectingStream::~ReconnectingStream() = default;

void ReconnectingStream::Send(const v1::ActRequest& request,
                              ControlStream::OnAnswer on_answer, int replica) {
  streams_->Send(request, std::move(on_answer), replica);
}

void ReconnectingStream::Renew(int replica) { streams_->Renew(replica); }

int64_t ReconnectingStream::reconnects() const {
  return streams_->reconnects();
}

}  // namespace foresight
