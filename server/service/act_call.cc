#include "server/service/act_call.h"

#include <memory>
#include <utility>

#include "server/service/caller.h"
#include "server/service/refusal_delay.h"
#include "server/service/status_conversion.h"
#include "server/service/trace_metadata.h"

namespace foresight {

ActCall* ActCall::Start(grpc::CallbackServerContext* context, Caller caller,
                        const v1::ActRequest& request,
                        v1::ActResponse* response, DecisionMaker* maker,
                        Metrics* metrics) {
  auto* reactor = new ActCall(request.ByteSizeLong(), response, maker, metrics);
  EchoRequestId(*context);
  v1::ActRequest kept = request;
  kept.DiscardUnknownFields();  // They would only take memory.
  reactor->call_ = std::make_shared<DecisionCall>(
      std::move(kept), std::move(caller), MonotonicNow(), DeadlineOf(*context),
      [reactor](const DecisionCall::Answer& answer) {
        reactor->OnAnswer(answer);
      },
      ReadTags(*context));
  maker->Start(reactor->call_);
  return reactor;
}

void ActCall::OnAnswer(const DecisionCall::Answer& answer) {
  metrics_->CountRequest(Method::kAct, answer.status().code());
  if (answer.ok()) *response_ = **answer;
  const absl::Duration delay = RefusalDelay(answer.status(), request_bytes_);
  // Once Finish is called, `this` may be gone.
  const auto finish = [this, status = ToGrpc(answer.status())] {
    Finish(status);
  };
  delay > absl::ZeroDuration() ? maker_->CallLater(delay, finish) : finish();
}

}  // namespace foresight
