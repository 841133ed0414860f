#include "client/control_stream.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/control_reactor.h"

namespace foresight {
namespace {

// Takes the first answer: the server's, or that none is waited for any more.
struct Waiter {
  absl::Mutex mutex;
  std::optional<ControlStream::Answer> answer ABSL_GUARDED_BY(mutex);
  void Give(ControlStream::Answer value) ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    if (!answer.has_value()) answer = std::move(value);
  }
  bool has_answer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return answer.has_value();
  }
};

}  // namespace

ControlStream::ControlStream(std::shared_ptr<const Connection> connection)
    : connection_(std::move(connection)),
      reactor_(std::make_unique<ControlReactor>(connection_->stub())) {}

ControlStream::~ControlStream() { Close(); }

void ControlStream::Send(const v1::ActRequest& request, OnAnswer on_answer) {
  if (!request.has_decision_index()) {
    on_answer(absl::InvalidArgumentError(
        "a request on a stream needs a decision_index"));
    return;
  }
  reactor_->Send(request, std::move(on_answer));
}

ControlStream::Answer ControlStream::Act(const v1::ActRequest& request,
                                         const CallOptions& call) {
  if (!request.has_decision_index()) {
    return absl::InvalidArgumentError(
        "a request on a stream needs a decision_index");
  }
  const absl::Time deadline = connection_->Deadline(call);
  const auto waiter = std::make_shared<Waiter>();
  std::unique_ptr<Cancellation::Watch> watch;
  if (call.cancellation != nullptr) {
    watch = call.cancellation->OnCancel([waiter] {
      waiter->Give(absl::CancelledError("cancelled by the caller"));
    });
  }
  const uint64_t ticket = reactor_->Send(
      request, [waiter](Answer answer) { waiter->Give(std::move(answer)); });
  {
    absl::MutexLock lock(&waiter->mutex);
    waiter->mutex.AwaitWithDeadline(
        absl::Condition(waiter.get(), &Waiter::has_answer), deadline);
  }
  waiter->Give(absl::DeadlineExceededError(
      "no answer on the stream within the call's timeout"));
  reactor_->GiveUp({request.session_id(), request.decision_index()}, ticket);
  absl::MutexLock lock(&waiter->mutex);
  return *std::move(waiter->answer);
}

bool ControlStream::broken() const { return reactor_->ended(); }

void ControlStream::Close() {
  reactor_->Cancel();
  reactor_->AwaitDone();
}

}  // namespace foresight
