// Sessions, streams and connections come and go for a minute; afterwards the
// server's memory and counters are as before. FORESIGHT_CHURN_SECONDS sets
// another time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/served_test.h"
#include "tests/support/memory_trend.h"

namespace foresight {
namespace {

constexpr int64_t kKiB = 1 << 10;
constexpr int kClients = 4;
constexpr int kVisits = 25;  // For each client in a round.

// The most growth from the middle to the end of a run. A leak of 100 bytes a
// session exceeds it after a minute.
constexpr int64_t kMostHeapGrowth = 256 * kKiB;
// This also counts pages that the heap keeps.
constexpr int64_t kMostResidentGrowth = 8192 * kKiB;

absl::Duration ChurnTime() {
  int seconds = 60;
  if (const char* wanted = std::getenv("FORESIGHT_CHURN_SECONDS")) {
    EXPECT_TRUE(absl::SimpleAtoi(wanted, &seconds)) << wanted;
  }
  return absl::Seconds(seconds);
}

// Leaks a little for each session.
class LeakingEngine : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;

  std::unique_ptr<PolicyParameters> NewParameters() const override {
    absl::MutexLock lock(&mutex_);
    leaked_.push_back(std::make_unique<std::array<char, 2048>>());
    return FakeEngine::NewParameters();
  }

 private:
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<std::array<char, 2048>>> leaked_;
};

// A client that opens a connection, does random things and leaves.
class Visitor {
 public:
  Visitor(const std::string& address, uint64_t seed) : random_(seed) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::Adaptation::NewStub(grpc::CreateCustomChannel(
        address, grpc::InsecureChannelCredentials(), arguments));
  }

  void Visit() {
    std::vector<std::string> ids(1 + Below(4));
    for (std::string& id : ids) id = Open();
    switch (Below(4)) {
      case 0:
        for (const std::string& id : ids) Call(id);
        break;
      case 1:
        Stream(ids, /*cut=*/false);
        break;
      case 2:
        Stream(ids, /*cut=*/true);
        break;
      default:  // Opened in vain.
        break;
    }
    if (Below(2) == 0) return;  // They expire.
    for (const std::string& id : ids) Close(id);
  }

 private:
  uint32_t Below(uint32_t limit) {
    return std::uniform_int_distribution<uint32_t>(0, limit - 1)(random_);
  }

  std::string Open() {
    v1::Session session;
    v1::OpenSessionRequest request;
    request.mutable_settings()->set_steps(Below(3));
    const auto status = stub_->OpenSession(Patient().get(), request, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session.session_id();
  }

  static v1::ActRequest Request(const std::string& id) {
    v1::ActRequest request;
    request.set_session_id(id);
    for (int i = 0; i < 3; ++i) request.add_observation(0.5f);
    return request;
  }

  void Call(const std::string& id) {
    for (uint32_t left = Below(4); left > 0; --left) {
      grpc::ClientContext context;
      // Some are cancelled by their deadline.
      context.set_deadline(std::chrono::system_clock::now() +
                           std::chrono::microseconds(50 << Below(12)));
      v1::ActResponse response;
      stub_->Act(&context, Request(id), &response);
    }
  }

  void Stream(const std::vector<std::string>& ids, bool cut) {
    const auto context = Patient();
    const auto stream = stub_->Control(context.get());
    for (int i = 0; i < 3; ++i) {
      for (const std::string& id : ids) stream->Write(Request(id));
    }
    v1::ControlResponse answer;
    for (uint32_t left = Below(4); left > 0; --left) stream->Read(&answer);
    if (cut) return context->TryCancel();
    stream->WritesDone();
    while (stream->Read(&answer)) {
    }
    EXPECT_TRUE(stream->Finish().ok());
  }

  void Close(const std::string& id) {
    v1::CloseSessionRequest request;
    request.set_session_id(id);
    v1::CloseSessionResponse response;
    stub_->CloseSession(Patient().get(), request, &response);
  }

  std::mt19937_64 random_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;
};

class ChurnTest : public ServedTest {
 protected:
  void Serve(const std::string& engine) {
    options_.operations.idle_timeout = absl::Milliseconds(200);
    StartServer(engine);
  }

  void Churn(absl::Duration time) {
    const absl::Time end = absl::Now() + time;
    for (int round = 0; round < 3 || absl::Now() < end; ++round) {
      std::vector<std::thread> clients;
      for (int client = 0; client < kClients; ++client) {
        clients.emplace_back([this, seed = round * kClients + client] {
          for (int i = 0; i < kVisits; ++i) {
            Visitor(server_->address(), seed * kVisits + i).Visit();
          }
        });
      }
      for (std::thread& client : clients) client.join();
      ASSERT_TRUE(AllGone()) << "after round " << round;
      heap_.Add(HeapInUse());
      resident_.Add(ResidentMemory());
    }
  }

  bool AllGone() {
    return AwaitMetric("foresight_sessions", 0) &&
           AwaitMetric("foresight_decisions_in_flight", 0) &&
           AwaitMetric("foresight_queued_decisions", 0) &&
           AwaitMetric("foresight_control_streams", 0);
  }

  MemoryTrend heap_, resident_;
};

TEST_F(ChurnTest, MemoryAndCountersStayAsTheyAre) {
  Serve("fused");
  Churn(ChurnTime());
  RecordProperty("heap_kib", heap_.ToString());
  RecordProperty("resident_kib", resident_.ToString());
  EXPECT_LT(heap_.growth(), kMostHeapGrowth) << heap_.ToString();
  EXPECT_LT(resident_.growth(), kMostResidentGrowth) << resident_.ToString();
}

// Without this the test above would prove nothing.
TEST_F(ChurnTest, ALeakIsSeen) {
  engine_ = std::make_shared<LeakingEngine>(kActionSize);
  Serve("fake");
  Churn(absl::Seconds(10));
  EXPECT_GT(heap_.growth(), kMostHeapGrowth) << heap_.ToString();
}

}  // namespace
}  // namespace foresight
