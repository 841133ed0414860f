// Keeps channels up to date while no call uses them.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace foresight {

// gRPC connects a channel, and learns of its server's health, only while a
// thread waits for something on the channel. This object has such a thread:
// while it lives, the state of each channel is up to date.
//
// Thread-safe. Destroying it takes a tenth of a second at most.
class ChannelWatch {
 public:
  explicit ChannelWatch(std::vector<std::shared_ptr<grpc::Channel>> channels);
  ~ChannelWatch();
  ChannelWatch(const ChannelWatch&) = delete;
  ChannelWatch& operator=(const ChannelWatch&) = delete;

 private:
  void Await(size_t channel);
  void Serve();

  const std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::atomic<bool> ending_ = false;
  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace foresight
