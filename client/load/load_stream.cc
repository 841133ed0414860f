#include "client/load/load_stream.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "client/error_conversion.h"

namespace foresight {
namespace {

// A budget of zero would mean no budget.
void SetBudget(absl::Duration time_left, v1::ActRequest* request) {
  absl::Duration rest;
  const int64_t seconds = absl::IDivDuration(
      std::max(time_left, absl::Microseconds(1)), absl::Seconds(1), &rest);
  request->mutable_budget()->set_seconds(seconds);
  request->mutable_budget()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

}  // namespace

LoadStream::LoadStream(v1::Adaptation::Stub& stub, int first_loop,
                       absl::Span<const std::string> sessions,
                       AnswerReceiver* receiver)
    : first_loop_(first_loop),
      receiver_(receiver),
      requests_(sessions.size()),
      waiting_(sessions.size()) {
  for (size_t i = 0; i < sessions.size(); ++i) {
    index_of_[sessions[i]] = static_cast<int>(i);
    requests_[i].set_session_id(sessions[i]);
  }
  stub.async()->Control(&context_, this);
  // The hold is needed because writes start outside of the On... functions. The
  // first thread that sees the stream end releases it.
  AddHold();
  StartRead(&response_);
  StartCall();
}

LoadStream::~LoadStream() {
  context_.TryCancel();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&done_));
}

void LoadStream::Send(int loop, absl::Span<const float> observation,
                      absl::Duration time_left) {
  const int index = loop - first_loop_;
  std::string end;
  SetObservation(observation, &requests_[index]);
  SetBudget(time_left, &requests_[index]);
  {
    absl::MutexLock lock(&mutex_);
    if (end_.empty()) {
      // On an ending stream the request waits for OnDone, which has the reason.
      waiting_[index] = true;
      queue_.push_back(index);
    } else {
      end = end_;
    }
  }
  if (!end.empty()) return receiver_->OnError(loop, end);
  Advance();
}

void LoadStream::Advance() {
  const v1::ActRequest* request = nullptr;
  bool more = false;
  bool release = false;
  {
    absl::MutexLock lock(&mutex_);
    if (in_write_) return;
    if (ending_) {
      release = std::exchange(held_, false);
    } else if (!queue_.empty()) {
      request = &requests_[queue_.front()];
      queue_.pop_front();
      more = !queue_.empty();
      in_write_ = true;
    }
  }
  if (request != nullptr) {
    // Requests that are ready together may leave in one packet.
    grpc::WriteOptions options;
    if (more) options.set_buffer_hint();
    StartWrite(request, options);
  }
  if (release) RemoveHold();
}

void LoadStream::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    in_write_ = false;
    ending_ = ending_ || !ok;
  }
  Advance();
}

void LoadStream::OnReadDone(bool ok) {
  if (!ok) {
    {
      absl::MutexLock lock(&mutex_);
      ending_ = true;
    }
    return Advance();
  }
  const auto found = index_of_.find(response_.session_id());
  if (found != index_of_.end()) {
    const int index = found->second;
    {
      absl::MutexLock lock(&mutex_);
      waiting_[index] = false;
    }
    if (response_.has_response()) {
      receiver_->OnAnswer(first_loop_ + index, response_.response());
    } else {
      receiver_->OnError(first_loop_ + index,
                         ReasonOf(FromAnswer(response_.error())));
    }
  }
  StartRead(&response_);
}

void LoadStream::OnDone(const grpc::Status& status) {
  const std::string end =
      status.ok() ? "STREAM_ENDED" : ReasonOf(FromCall(status));
  std::vector<bool> waiting;
  {
    absl::MutexLock lock(&mutex_);
    end_ = end;
    waiting = waiting_;
  }
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i]) receiver_->OnError(first_loop_ + static_cast<int>(i), end);
  }
  absl::MutexLock lock(&mutex_);
  done_ = true;
}

}  // namespace foresight
