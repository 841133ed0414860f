#include "client/reconnecting_stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "client/call_error.h"

namespace foresight {

ReconnectingStream::ReconnectingStream(std::shared_ptr<const Replicas> replicas,
                                       const Options& options)
    : replicas_(std::move(replicas)) {
  for (int i = 0; i < replicas_->size(); ++i) {
    lines_.push_back(
        {BackoffTimer(options.backoff, options.seed + i), 0, nullptr});
  }
}

ReconnectingStream::~ReconnectingStream() {
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

void ReconnectingStream::Send(const v1::ActRequest& request,
                              ControlStream::OnAnswer on_answer, int replica) {
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

void ReconnectingStream::Renew(int replica) {
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[replica];
  if (line.current == nullptr) return;
  line.current->Cancel();
  Retire(line, absl::UnavailableError("the stream was given up"), SteadyNow());
}

int64_t ReconnectingStream::reconnects() const {
  absl::MutexLock lock(&mutex_);
  int64_t reconnects = 0;
  for (const Line& line : lines_) {
    reconnects += std::max<int64_t>(0, line.opened - 1);
  }
  return reconnects;
}

absl::StatusOr<std::shared_ptr<ControlStream>> ReconnectingStream::Current(
    int replica, SteadyTime now) {
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
      return MakeError(absl::StatusCode::kUnavailable,
                       "the stream ended; it is too early to open another one",
                       "", Between(now, line.backoff.next()));
    }
    line.current =
        std::make_shared<ControlStream>(replicas_->connection(replica));
    ++line.opened;
  }
  return line.current;
}

void ReconnectingStream::Learn(int replica, const ControlStream* stream,
                               const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[replica];
  if (stream != line.current.get()) return;
  if (status.ok() || !ErrorReason(status).empty()) {
    line.backoff.Succeed();
  } else if (stream->broken()) {
    Retire(line, status, SteadyNow());
  }
}

void ReconnectingStream::Retire(Line& line, const absl::Status& status,
                                SteadyTime now) {
  retired_.push_back(std::exchange(line.current, nullptr));
  line.backoff.Fail(status, now);
}

}  // namespace foresight
