#include "server/service/control_call.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/decisions/request_checks.h"
#include "server/service/caller.h"
#include "server/service/refusal_delay.h"
#include "server/service/status_conversion.h"
#include "server/service/trace_metadata.h"
#include "server/support/error.h"

namespace foresight {
namespace {

constexpr absl::Duration kLongestPause = absl::Milliseconds(100);

}  // namespace

std::shared_ptr<ControlCall> ControlCall::Start(
    Options options, grpc::CallbackServerContext* context, Identify identify,
    DecisionMaker* maker, Metrics* metrics) {
  EchoRequestId(*context);
  std::shared_ptr<ControlCall> stream(
      new ControlCall(options, std::move(identify), DeadlineOf(*context),
                      ReadTags(*context), maker, metrics));
  Next next;
  {
    absl::MutexLock lock(&stream->mutex_);
    stream->self_ = stream;
    next = stream->Decide();
  }
  stream->Do(next);
  return stream;
}

ControlCall::ControlCall(Options options, Identify identify,
                         absl::Time deadline, CallTags tags,
                         DecisionMaker* maker, Metrics* metrics)
    : options_(options),
      identify_(std::move(identify)),
      deadline_(deadline),
      tags_(std::move(tags)),
      maker_(maker),
      metrics_(metrics) {
  metrics_->control_streams.Increment();
}

void ControlCall::Drain() {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    next = Decide();
  }
  Do(next);
}

void ControlCall::OnReadDone(bool ok) {
  // Start the decision before the next read overwrites the request, and before
  // an answer can end the stream.
  if (ok) StartDecision(std::move(request_));
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    read_all_ = !ok;
    next = Decide();
  }
  Do(next);
}

void ControlCall::StartDecision(v1::ActRequest request) {
  request.DiscardUnknownFields();
  const size_t bytes = request.ByteSizeLong();
  v1::ControlResponse echo;
  // A longer id is refused. Only its beginning is echoed, so that the rest need
  // not be stored.
  echo.set_session_id(request.session_id().substr(0, kMaxIdBytes));
  echo.set_decision_index(request.decision_index());
  absl::StatusOr<Caller> caller = identify_();
  if (caller.ok()) {
    const absl::Status fits =
        CheckMessageSize(bytes, options_.max_message_bytes);
    if (!fits.ok()) caller = fits;
  }
  DecisionCall::Done done;
  DecisionMaker::Call call;
  {
    absl::MutexLock lock(&mutex_);
    const uint64_t number = requests_++;
    bytes_ += bytes;
    done = [self = self_, number, bytes,
            echo](const DecisionCall::Answer& answer) {
      v1::ControlResponse response = echo;
      if (answer.ok()) {
        response.set_decision_index((*answer)->decision_index());
        *response.mutable_response() = **answer;
      } else {
        *response.mutable_error() = ToError(answer.status());
        const absl::Duration pause =
            std::max(RetryDelay(answer.status()).value_or(absl::Duration()),
                     RefusalDelay(answer.status(), bytes));
        if (pause > absl::ZeroDuration()) self->Pause(pause);
      }
      self->metrics_->CountRequest(Method::kControl, answer.status().code());
      self->OnAnswer(number, bytes, std::move(response));
    };
    if (caller.ok()) {
      call = std::make_shared<DecisionCall>(std::move(request),
                                            *std::move(caller), MonotonicNow(),
                                            deadline_, std::move(done), tags_);
      calls_.emplace(number, call);
    }
  }
  if (call != nullptr) return maker_->Start(call);
  metrics_->CountRefusal(caller.status());
  done(caller.status());
}

void ControlCall::Pause(absl::Duration time) {
  std::weak_ptr<ControlCall> weak;
  {
    absl::MutexLock lock(&mutex_);
    if (paused_) return;
    paused_ = true;
    weak = self_;
  }
  maker_->CallLater(std::min(time, kLongestPause), [weak] {
    if (const auto stream = weak.lock()) stream->Resume();
  });
}

void ControlCall::Resume() {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    paused_ = false;
    next = Decide();
  }
  Do(next);
}

void ControlCall::OnAnswer(uint64_t number, size_t request_bytes,
                           v1::ControlResponse response) {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    calls_.erase(number);
    bytes_ -= request_bytes;
    if (!cancelled_) {
      bytes_ += response.ByteSizeLong();
      answers_.push_back(std::move(response));
    }
    next = Decide();
  }
  Do(next);
}

void ControlCall::OnWriteDone(bool) {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    bytes_ -= answers_.front().ByteSizeLong();
    answers_.pop_front();
    next = Decide();
  }
  Do(next);
}

void ControlCall::OnCancel() {
  std::vector<DecisionMaker::Call> calls;
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    // Drop the unread answers; the one being written is popped when it is done.
    while (answers_.size() > (writing_ ? 1 : 0)) {
      bytes_ -= answers_.back().ByteSizeLong();
      answers_.pop_back();
    }
    for (const auto& [number, call] : calls_) calls.push_back(call);
    next = Decide();
  }
  for (const auto& call : calls) maker_->Cancel(call);
  Do(next);
}

void ControlCall::OnDone() {
  metrics_->control_streams.Decrement();
  std::shared_ptr<ControlCall> self;  // Destroyed after the lock.
  absl::MutexLock lock(&mutex_);
  self.swap(self_);
}

ControlCall::Next ControlCall::Decide() {
  Next next;
  if (finished_) return next;
  if (!writing_ && !answers_.empty()) writing_ = next.write = true;
  const bool ending = read_all_ || cancelled_ || draining_;
  if (!reading_ && !ending && !paused_ &&
      calls_.size() + answers_.size() < options_.max_in_flight &&
      bytes_ < options_.max_bytes) {
    reading_ = next.read = true;
  }
  if (next.read || next.write) ++beginning_;
  if (ending && calls_.empty() && answers_.empty() && beginning_ == 0) {
    finished_ = next.finish = true;
  }
  return next;
}

void ControlCall::Do(Next next) {
  // gRPC may end the call once Finish is called and all started reads and
  // writes are done. So Finish waits until the planned ones have started.
  while (next.read || next.write) {
    if (next.read) StartRead(&request_);
    if (next.write) {
      const v1::ControlResponse* answer;
      {
        absl::MutexLock lock(&mutex_);
        answer = &answers_.front();
      }
      StartWrite(answer);
    }
    absl::MutexLock lock(&mutex_);
    --beginning_;
    next = Decide();
  }
  if (next.finish) {
    absl::Status status;
    {
      absl::MutexLock lock(&mutex_);
      if (!read_all_) {
        status = draining_ ? DrainingError()
                           : MakeError(Reason::kCancelled,
                                       "the client cancelled the stream");
      }
    }
    Finish(ToGrpc(status));
  }
}

}  // namespace foresight
