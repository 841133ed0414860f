// One unary Act call.
#pragma once

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "proto/adaptation.pb.h"
#include "server/decisions/caller.h"
#include "server/decisions/decision_maker.h"
#include "server/metrics/metrics.h"

namespace foresight {

// Deletes itself when gRPC is done with it.
class ActCall final : public grpc::ServerUnaryReactor {
 public:
  // gRPC owns `response`; `maker` and `metrics` outlive the call.
  static ActCall* Start(grpc::CallbackServerContext* context, Caller caller,
                        const v1::ActRequest& request,
                        v1::ActResponse* response, DecisionMaker* maker,
                        Metrics* metrics);

 private:
  ActCall(size_t request_bytes, v1::ActResponse* response, DecisionMaker* maker,
          Metrics* metrics)
      : request_bytes_(request_bytes),
        response_(response),
        maker_(maker),
        metrics_(metrics) {}

  void OnAnswer(const DecisionCall::Answer& answer);
  void OnCancel() override { maker_->Cancel(call_); }
  void OnDone() override { delete this; }

  const size_t request_bytes_;
  v1::ActResponse* const response_;
  DecisionMaker* const maker_;
  Metrics* const metrics_;
  DecisionMaker::Call call_;  // Set before gRPC sees the reactor.
};

}  // namespace foresight
