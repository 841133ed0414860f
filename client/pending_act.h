// A decision that was requested without waiting for it.
#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <optional>

#include "client/answer_slot.h"
#include "client/connection.h"
#include "foresight/reconnecting_stream.h"
#include "foresight/steady_time.h"

namespace foresight {

// Thread-safe. Destroying it gives up the decision: a separate call is
// cancelled; on a stream the answer is ignored if it still comes.
class PendingAct {
 public:
  // Requests the decision by a separate call, which ends after `timeout`.
  static std::unique_ptr<PendingAct> Call(
      std::shared_ptr<const Connection> connection,
      const v1::ActRequest& request, absl::Duration timeout);

  // Requests the decision from `replica` on `stream`.
  static std::unique_ptr<PendingAct> Send(ReconnectingStream& stream,
                                          const v1::ActRequest& request,
                                          int replica = 0);

  ~PendingAct();
  PendingAct(const PendingAct&) = delete;
  PendingAct& operator=(const PendingAct&) = delete;

  // Waits for the answer; returns none if there is none at `deadline`.
  std::optional<AnswerSlot::Answer> Await(SteadyTime deadline) const {
    return slot_->Await(deadline);
  }

 private:
  // gRPC writes to it until the slot has its answer.
  struct OwnCall {
    std::shared_ptr<const Connection> connection;
    grpc::ClientContext context;
    v1::ActRequest request;
    v1::ActResponse response;
  };

  PendingAct() = default;

  const std::shared_ptr<AnswerSlot> slot_ = std::make_shared<AnswerSlot>();
  std::unique_ptr<OwnCall> call_;  // Null on a stream.
};

}  // namespace foresight
