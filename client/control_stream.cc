#include "foresight/control_stream.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "client/answer_slot.h"
#include "client/connection.h"
#include "client/control_reactor.h"
#include "foresight/cancellation.h"

namespace foresight {
namespace {

absl::Status WithoutIndex() {
  return absl::InvalidArgumentError(
      "a request on a stream needs a decision_index");
}

}  // namespace

ControlStream::ControlStream(std::shared_ptr<const Connection> connection)
    : connection_(std::move(connection)),
      reactor_(std::make_unique<ControlReactor>(connection_->stub())) {}

ControlStream::~ControlStream() { Close(); }

void ControlStream::Send(const v1::ActRequest& request, OnAnswer on_answer) {
  if (!request.has_decision_index()) {
    on_answer(WithoutIndex());
    return;
  }
  reactor_->Send(request, std::move(on_answer));
}

ControlStream::Answer ControlStream::Act(const v1::ActRequest& request,
                                         const CallOptions& call) {
  if (!request.has_decision_index()) return WithoutIndex();
  const SteadyTime deadline = connection_->Deadline(call);
  const auto waiter = std::make_shared<AnswerSlot>();
  std::unique_ptr<Cancellation::Watch> watch;
  if (call.cancellation != nullptr) {
    watch = call.cancellation->OnCancel([waiter] {
      waiter->Give(absl::CancelledError("cancelled by the caller"));
    });
  }
  const uint64_t ticket = reactor_->Send(
      request, [waiter](Answer answer) { waiter->Give(std::move(answer)); });
  std::optional<Answer> answer = waiter->Await(deadline);
  reactor_->GiveUp({request.session_id(), request.decision_index()}, ticket);
  return std::move(answer).value_or(absl::DeadlineExceededError(
      "no answer on the stream within the call's timeout"));
}

bool ControlStream::broken() const { return reactor_->ended(); }

bool ControlStream::done() const { return reactor_->done(); }

void ControlStream::Cancel() { reactor_->Cancel(); }

void ControlStream::Close() {
  reactor_->Cancel();
  reactor_->AwaitDone();
}

}  // namespace foresight
