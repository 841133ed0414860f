#include "foresight/fake_server.h"

#include <algorithm>
#include <utility>

#include "client/fake_adaptation_server.h"

namespace foresight {
namespace {

v1::Model ModelOf(const FakeServer::Options& options) {
  v1::Model model;
  model.set_name(options.model);
  model.set_observation_size(options.observation_size);
  model.set_action_size(options.action_size);
  model.set_engine("fake");
  model.set_device("cpu");
  model.mutable_defaults()->set_steps(1);
  model.mutable_defaults()->set_mode(v1::PERSIST);
  return model;
}

std::vector<float> TenthOf(absl::Span<const float> observation, size_t size) {
  std::vector<float> action(size, 0.0f);
  for (size_t i = 0; i < std::min(size, observation.size()); ++i) {
    action[i] = observation[i] / 10;
  }
  return action;
}

}  // namespace

absl::StatusOr<FakeServer> FakeServer::Start(const Options& options) {
  Policy policy = options.policy;
  if (policy == nullptr) {
    policy = [size = options.action_size](absl::Span<const float> observation) {
      return TenthOf(observation, size);
    };
  }
  auto server = std::make_unique<FakeAdaptationServer>(
      std::vector<v1::Model>{ModelOf(options)}, std::move(policy));
  if (!server->status().ok()) return server->status();
  return FakeServer(std::move(server));
}

FakeServer::FakeServer(std::unique_ptr<FakeAdaptationServer> server)
    : server_(std::move(server)) {}
FakeServer::~FakeServer() = default;
FakeServer::FakeServer(FakeServer&&) noexcept = default;
FakeServer& FakeServer::operator=(FakeServer&&) noexcept = default;

const std::string& FakeServer::address() const { return server_->address(); }

void FakeServer::FailNext(int times, const absl::Status& error,
                          v1::ErrorReason reason) {
  server_->FailNext(times,
                    DetailedStatus(static_cast<grpc::StatusCode>(error.code()),
                                   std::string(error.message()),
                                   reason == v1::ERROR_REASON_UNSPECIFIED
                                       ? ""
                                       : v1::ErrorReason_Name(reason),
                                   absl::InfiniteDuration()));
}

void FakeServer::LoseNextAnswers(int times) { server_->LoseNextAnswers(times); }

void FakeServer::Stall() { server_->Stall(); }

void FakeServer::Release() { server_->Release(); }

void FakeServer::Stop() { server_->Stop(); }

absl::Status FakeServer::Restart() {
  server_->Restart();
  return server_->status();
}

int FakeServer::open_sessions() const { return server_->open_sessions(); }

int FakeServer::opened_sessions() const { return server_->opened_sessions(); }

v1::ActRequest FakeServer::last_request() const { return server_->last_act(); }

}  // namespace foresight
