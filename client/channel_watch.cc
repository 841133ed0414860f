#include "client/channel_watch.h"

#include <grpc/support/time.h>

#include <cstdint>
#include <utility>

namespace foresight {
namespace {

// Waiting for a change cannot be cancelled, so the thread takes this long to
// end.
constexpr int64_t kWaitMilliseconds = 100;

}  // namespace

ChannelWatch::ChannelWatch(std::vector<std::shared_ptr<grpc::Channel>> channels)
    : channels_(std::move(channels)) {
  for (size_t i = 0; i < channels_.size(); ++i) Await(i);
  thread_ = std::thread([this] { Serve(); });
}

ChannelWatch::~ChannelWatch() {
  ending_ = true;
  thread_.join();
}

void ChannelWatch::Await(size_t channel) {
  const grpc_connectivity_state state =
      channels_[channel]->GetState(/*try_to_connect=*/true);
  channels_[channel]->NotifyOnStateChange(
      state,
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(kWaitMilliseconds, GPR_TIMESPAN)),
      &queue_, reinterpret_cast<void*>(channel));
}

void ChannelWatch::Serve() {
  size_t waiting = channels_.size();
  void* tag;
  bool changed;
  while (waiting > 0 && queue_.Next(&tag, &changed)) {
    if (ending_) {
      --waiting;
    } else {
      Await(reinterpret_cast<size_t>(tag));
    }
  }
  queue_.Shutdown();
  while (queue_.Next(&tag, &changed)) {
  }
}

}  // namespace foresight
