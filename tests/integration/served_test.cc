#include "tests/integration/served_test.h"

#include <chrono>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/engine_factory.h"
#include "server/support/clock.h"
#include "tests/support/http_get.h"

namespace foresight {

SeenError Seen(const grpc::Status& status) {
  SeenError seen;
  seen.code = status.error_code();
  seen.message = status.error_message();
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) {
      seen.reason = info.reason();
      seen.domain = info.domain();
    }
    if (detail.UnpackTo(&retry)) {
      seen.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                         absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return seen;
}

std::unique_ptr<grpc::ClientContext> Within(absl::Duration time) {
  auto context = std::make_unique<grpc::ClientContext>();
  // absl::Now() notices a jump of the wall clock only after some seconds.
  context->set_deadline(std::chrono::system_clock::now() +
                        absl::ToChronoMilliseconds(time));
  return context;
}

std::unique_ptr<grpc::ClientContext> Patient() {
  auto context = Within(kPatience);
  context->set_wait_for_ready(true);
  return context;
}

ServedTest::ServedTest() {
  options_.listen = "127.0.0.1:0";
  options_.metrics_listen = "127.0.0.1:0";
  options_.threads = 2;
  options_.shutdown_notice = absl::ZeroDuration();
  AddModel("random");
}

ServedTest::~ServedTest() { engine_->Release(); }

void ServedTest::AddModel(const std::string& name) {
  RandomBundleOptions bundle;
  bundle.name = name;
  bundle.observation_size = kObservationSize;
  bundle.action_size = kActionSize;
  const auto folder = folder_.path() / name;
  ASSERT_TRUE(RandomBundle(bundle).Save(folder).ok());
  options_.models.push_back(folder.string());
}

void ServedTest::StartServer(const std::string& engine) {
  EngineFactory factory = [this](auto) { return engine_; };
  for (const EngineKind kind : {EngineKind::kFused, EngineKind::kAutograd}) {
    if (engine == NameOf(kind)) factory = MakeEngineFactory({kind});
  }
  auto server = Server::Start(options_, "test", factory);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel(server_->address(),
                                 grpc::InsecureChannelCredentials());
  stub_ = v1::Adaptation::NewStub(channel_);
}

grpc::Status ServedTest::Open(const v1::OpenSessionRequest& request,
                              v1::Session* session) {
  v1::Session opened;
  const grpc::Status status =
      stub_->OpenSession(Patient().get(), request, &opened);
  if (session != nullptr) *session = opened;
  return status;
}

void ServedTest::Open(const std::string& id, uint32_t steps) {
  v1::OpenSessionRequest request;
  request.set_session_id(id);
  request.set_seed(7);
  request.mutable_settings()->set_steps(steps);
  const grpc::Status status = Open(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
}

v1::ActRequest ServedTest::Request(const std::string& id, float value,
                                   std::optional<uint64_t> index) {
  v1::ActRequest request;
  request.set_session_id(id);
  for (int i = 0; i < kObservationSize; ++i) request.add_observation(value);
  if (index) request.set_decision_index(*index);
  return request;
}

grpc::Status ServedTest::Act(const v1::ActRequest& request,
                             v1::ActResponse* response) {
  v1::ActResponse answer;
  const grpc::Status status = stub_->Act(Patient().get(), request, &answer);
  if (response != nullptr) *response = answer;
  return status;
}

std::vector<float> ServedTest::MustAct(const v1::ActRequest& request) {
  v1::ActResponse response;
  const grpc::Status status = Act(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.action_size(), kActionSize);
  return {response.action().begin(), response.action().end()};
}

grpc::Status ServedTest::Reset(const std::string& id, v1::Session* session) {
  v1::ResetSessionRequest request;
  request.set_session_id(id);
  v1::Session unused;
  return stub_->ResetSession(Patient().get(), request,
                             session == nullptr ? &unused : session);
}

grpc::Status ServedTest::Close(const std::string& id) {
  v1::CloseSessionRequest request;
  request.set_session_id(id);
  v1::CloseSessionResponse unused;
  return stub_->CloseSession(Patient().get(), request, &unused);
}

bool ServedTest::AwaitMetric(const std::string& metric, double value) {
  const absl::Time give_up = MonotonicNow() + kPatience;
  while (MonotonicNow() < give_up) {
    const std::string page = HttpGet(server_->metrics_port(), "/metrics");
    for (absl::string_view line : absl::StrSplit(page, '\n')) {
      double seen;
      if (absl::ConsumePrefix(&line, metric + " ") &&
          absl::SimpleAtod(line, &seen) && seen == value) {
        return true;
      }
    }
    std::this_thread::yield();
  }
  return false;
}

}  // namespace foresight
