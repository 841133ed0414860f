#include "client/pending_act.h"

#include <utility>

#include "client/error_conversion.h"

namespace foresight {

std::unique_ptr<PendingAct> PendingAct::Call(
    std::shared_ptr<const Connection> connection, const v1::ActRequest& request,
    absl::Duration timeout) {
  std::unique_ptr<PendingAct> pending(new PendingAct());
  pending->call_ = std::make_unique<OwnCall>();
  OwnCall* const call = pending->call_.get();
  call->connection = std::move(connection);
  call->request = request;
  SetDeadline(After(SteadyNow(), timeout), &call->context);
  NameSession(request.session_id(), &call->context);
  // The slot is shared, since its lock is released after the waiter has woken.
  // The call is not shared: if gRPC's thread were the last to hold the channel,
  // it would have to join itself.
  call->connection->stub().async()->Act(
      &call->context, &call->request, &call->response,
      [slot = pending->slot_, call](const grpc::Status& status) {
        if (status.ok()) {
          slot->Give(std::move(call->response));
        } else {
          slot->Give(FromCall(status));
        }
      });
  return pending;
}

std::unique_ptr<PendingAct> PendingAct::Send(ReconnectingStream& stream,
                                             const v1::ActRequest& request,
                                             int replica) {
  std::unique_ptr<PendingAct> pending(new PendingAct());
  stream.Send(
      request,
      [slot = pending->slot_](ControlStream::Answer answer) {
        slot->Give(std::move(answer));
      },
      replica);
  return pending;
}

PendingAct::~PendingAct() {
  if (call_ == nullptr) return;
  call_->context.TryCancel();
  slot_->Await(SteadyTime::max());
}

}  // namespace foresight
