// A real server in the test's process, on a port chosen by the system, with
// stubs to call it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "models/bundle/random_bundle.h"
#include "proto/adaptation.grpc.pb.h"
#include "server/options.h"
#include "server/server.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temporary_folder.h"

namespace foresight {

// Much longer than anything here takes: only a hang reaches it.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// An error as a client sees it.
struct SeenError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  std::string domain;
  std::string message;
  std::optional<absl::Duration> retry_after;
};
SeenError Seen(const grpc::Status& status);

// A context whose call ends within `time`.
std::unique_ptr<grpc::ClientContext> Within(absl::Duration time);
// A context whose call ends after kPatience at the latest.
std::unique_ptr<grpc::ClientContext> Patient();

// S = 3, A = 2. The fake engine serves unless a test says otherwise.
class ServedTest : public ::testing::Test {
 protected:
  static constexpr int kObservationSize = 3;
  static constexpr int kActionSize = 2;

  ServedTest();
  ~ServedTest() override;

  // Call once, after changing options_. `engine` is "fake", "fused" or
  // "autograd".
  void StartServer(const std::string& engine = "fake");
  void AddModel(const std::string& name);  // Before StartServer.

  grpc::Status Open(const v1::OpenSessionRequest& request,
                    v1::Session* session = nullptr);
  // Opens a session with seed 7; the test fails if that fails.
  void Open(const std::string& id, uint32_t steps = 1);
  // All components of the observation are `value`.
  static v1::ActRequest Request(const std::string& id, float value,
                                std::optional<uint64_t> index = {});
  grpc::Status Act(const v1::ActRequest& request,
                   v1::ActResponse* response = nullptr);
  // Returns the action; the test fails if there is none.
  std::vector<float> MustAct(const v1::ActRequest& request);
  grpc::Status Reset(const std::string& id, v1::Session* session = nullptr);
  grpc::Status Close(const std::string& id);

  // Returns true once `metric` of /metrics has `value`, false after kPatience.
  bool AwaitMetric(const std::string& metric, double value);

  ServerOptions options_;
  std::shared_ptr<FakeEngine> engine_ =
      std::make_shared<FakeEngine>(kActionSize);
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;

 private:
  TemporaryFolder folder_;
};

}  // namespace foresight
