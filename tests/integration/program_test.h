// foresight-server as a separate process, with stubs to call it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "models/bundle/random_bundle.h"
#include "proto/adaptation.grpc.pb.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace foresight {

// S = 3, A = 2; bundle "random". Needs the program foresight-server.
class ProgramTest : public ::testing::Test {
 protected:
  // Much longer than anything here takes: only a hang reaches it.
  static constexpr absl::Duration kPatience = absl::Seconds(30);
  static constexpr int kObservationSize = 3;

  ProgramTest() { SaveBundle("random"); }

  std::string SaveBundle(const std::string& name) {
    RandomBundleOptions options;
    options.name = name;
    options.observation_size = kObservationSize;
    const auto folder = folder_.path() / name;
    EXPECT_TRUE(RandomBundle(options).Save(folder).ok());
    return folder.string();
  }
  std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }

  std::vector<std::string> Command(std::vector<std::string> options) const {
    options.insert(options.begin(),
                   std::string(FORESIGHT_BUILD_DIR) + "/bin/foresight-server");
    return options;
  }
  // Adds the options that every test needs.
  std::vector<std::string> Serving(std::vector<std::string> options) const {
    for (const char* option :
         {"--listen", "127.0.0.1:0", "--metrics-listen", "off"}) {
      options.push_back(option);
    }
    return options;
  }

  // Starts the server and waits until it serves.
  void Start(std::vector<std::string> options) {
    options.push_back("--port-file");
    options.push_back(Path("port"));
    std::filesystem::remove(Path("port"));  // Left by a killed server.
    server_ = std::make_unique<RunningCommand>(Command(std::move(options)));
    const absl::Time give_up = absl::Now() + kPatience;
    address_.clear();
    while (address_.empty() && absl::Now() < give_up) {
      std::ifstream(Path("port")) >> address_;
      std::this_thread::yield();
    }
    ASSERT_NE(address_, "") << "it does not serve";
    channel_ =
        grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
    stub_ = v1::Adaptation::NewStub(channel_);
  }

  static std::unique_ptr<grpc::ClientContext> Patient() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    return context;
  }

  std::string Open(const v1::AdaptationSettings& settings = {}) {
    v1::OpenSessionRequest request;
    *request.mutable_settings() = settings;
    v1::Session session;
    const auto status = stub_->OpenSession(Patient().get(), request, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session.session_id();
  }

  static v1::ActRequest Request(const std::string& id) {
    v1::ActRequest request;
    request.set_session_id(id);
    for (int i = 0; i < kObservationSize; ++i) request.add_observation(0.5f);
    return request;
  }

  TemporaryFolder folder_;
  std::unique_ptr<RunningCommand> server_;
  std::string address_;  // Where the server listens.
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;
};

}  // namespace foresight
