#include "client/reconnecting_stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "client/call_error.h"

namespace foresight {

ReconnectingStream::ReconnectingStream(
    std::shared_ptr<const Connection> connection, const Options& options)
    : connection_(std::move(connection)),
      backoff_(options.backoff, options.seed) {}

ReconnectingStream::~ReconnectingStream() {
  std::vector<std::shared_ptr<ControlStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    streams.swap(retired_);
    if (current_ != nullptr) streams.push_back(std::move(current_));
  }
  // Closes them without the lock, which the last answers take.
}

void ReconnectingStream::Send(const v1::ActRequest& request,
                              ControlStream::OnAnswer on_answer) {
  const auto stream = Current(SteadyNow());
  if (!stream.ok()) return on_answer(stream.status());
  ControlStream* const sender = stream->get();
  sender->Send(request, [this, sender, on_answer = std::move(on_answer)](
                            ControlStream::Answer answer) {
    Learn(sender, answer.status());
    on_answer(std::move(answer));
  });
}

void ReconnectingStream::Renew() {
  absl::MutexLock lock(&mutex_);
  if (current_ == nullptr) return;
  current_->Cancel();
  Retire(absl::UnavailableError("the stream was given up"), SteadyNow());
}

int64_t ReconnectingStream::reconnects() const {
  absl::MutexLock lock(&mutex_);
  return std::max<int64_t>(0, opened_ - 1);
}

absl::StatusOr<std::shared_ptr<ControlStream>> ReconnectingStream::Current(
    SteadyTime now) {
  std::vector<std::shared_ptr<ControlStream>> done;  // Freed without the lock.
  absl::MutexLock lock(&mutex_);
  const auto first_done =
      std::partition(retired_.begin(), retired_.end(),
                     [](const auto& stream) { return !stream->done(); });
  std::move(first_done, retired_.end(), std::back_inserter(done));
  retired_.erase(first_done, retired_.end());
  if (current_ != nullptr && current_->broken()) {
    Retire(absl::UnavailableError("the stream ended"), now);
  }
  if (current_ == nullptr) {
    if (now < backoff_.next()) {
      return MakeError(absl::StatusCode::kUnavailable,
                       "the stream ended; it is too early to open another one",
                       "", Between(now, backoff_.next()));
    }
    current_ = std::make_shared<ControlStream>(connection_);
    ++opened_;
  }
  return current_;
}

void ReconnectingStream::Learn(const ControlStream* stream,
                               const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (stream != current_.get()) return;
  if (status.ok() || !ErrorReason(status).empty()) {
    backoff_.Succeed();
  } else if (stream->broken()) {
    Retire(status, SteadyNow());
  }
}

void ReconnectingStream::Retire(const absl::Status& status, SteadyTime now) {
  retired_.push_back(std::exchange(current_, nullptr));
  backoff_.Fail(status, now);
}

}  // namespace foresight
