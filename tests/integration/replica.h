// One of several servers that share a store, as a process.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "proto/adaptation.grpc.pb.h"
#include "tests/support/http_get.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_command.h"

namespace foresight {

// foresight-server as a process, on the same port each time.
class Replica {
 public:
  explicit Replica(std::vector<std::string> command)
      : command_(std::move(command)), port_(FreePort()) {
    metrics_port_ = FreePort();
    for (const std::string& more :
         {std::string("--listen"), address(), std::string("--metrics-listen"),
          absl::StrCat("127.0.0.1:", metrics_port_)}) {
      command_.push_back(more);
    }
    Start();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  int metrics_port() const { return metrics_port_; }
  void Signal(int signal) const { process_->Signal(signal); }
  CommandResult End(int signal) {
    process_->Signal(signal);
    return process_->Wait();
  }
  void Start() {
    process_ = std::make_unique<RunningCommand>(command_);
    // Opens a new connection, not one to the process before.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(
        address(), grpc::InsecureChannelCredentials(), arguments);
    const bool serves = channel_->WaitForConnected(
        absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    ASSERT_TRUE(serves) << End(SIGKILL).errors;
    stub_ = v1::Adaptation::NewStub(channel_);
  }
  v1::Adaptation::Stub& stub() { return *stub_; }
  // The value of a metric without labels; -1 if it is not there.
  double Metric(const std::string& name) const {
    const std::string text = HttpGet(metrics_port_, "/metrics");
    const size_t at = text.find(absl::StrCat("\n", name, " "));
    return at == std::string::npos
               ? -1
               : std::stod(text.substr(at + name.size() + 2));
  }

 private:
  std::vector<std::string> command_;
  int port_, metrics_port_;
  std::unique_ptr<RunningCommand> process_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;
};

// HAProxy in its shipped configuration at `address`, in front of both replicas.
inline std::unique_ptr<RunningCommand> StartHaproxy(const std::string& address,
                                                    const Replica& a,
                                                    const Replica& b) {
  return std::make_unique<RunningCommand>(std::vector<std::string>{
      "/usr/bin/env", "FORESIGHT_LISTEN=" + address,
      "FORESIGHT_A=" + a.address(),
      absl::StrCat("FORESIGHT_A_METRICS=", a.metrics_port()),
      "FORESIGHT_B=" + b.address(),
      absl::StrCat("FORESIGHT_B_METRICS=", b.metrics_port()),
      "/usr/sbin/haproxy", "-f",
      std::string(FORESIGHT_SOURCE_DIR) + "/deploy/haproxy/haproxy.cfg"});
}

}  // namespace foresight
