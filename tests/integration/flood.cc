#include "tests/integration/flood.h"

#include <signal.h>

#include "absl/time/clock.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

constexpr int kStreams = 16;
constexpr int kUnanswered = 256;
// The message limit of 1 MiB less room for other fields.
constexpr size_t kLongId = (1 << 20) - 4096;

using Stream = grpc::ClientReaderWriter<v1::ActRequest, v1::ControlResponse>;

}  // namespace

Flood::Flood(const std::string& address, const std::string& endless_client)
    : address_(address), endless_client_(endless_client) {
  const auto stub = v1::Adaptation::NewStub(
      grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  v1::ListModelsResponse models;
  if (!stub->ListModels(&context, {}, &models).ok() ||
      models.models_size() != 1) {
    return;
  }
  observation_size_ = static_cast<int>(models.models(0).observation_size());
  Launch(kStreams, &Flood::Backlog);
  Launch(8, &Flood::Hurry);
  Launch(4, &Flood::Greed);
  Launch(2, &Flood::LongIds);
  Launch(1, &Flood::LongIdsStreamed);
  Launch(4, &Flood::BeDeaf);
  Launch(1, &Flood::BeKilled);
}

Flood::~Flood() {
  over_ = true;
  for (const auto& attacker : attackers_) {
    absl::MutexLock lock(&attacker->mutex);
    if (attacker->context != nullptr) attacker->context->TryCancel();
  }
  for (const auto& attacker : attackers_) attacker->thread.join();
}

void Flood::Launch(int threads, Attack attack) {
  grpc::ChannelArguments arguments;
  // Otherwise channels to one address would share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(
      address_, grpc::InsecureChannelCredentials(), arguments);
  for (int i = 0; i < threads; ++i) {
    Attacker& attacker = *attackers_.emplace_back(std::make_unique<Attacker>());
    attacker.stub = v1::Adaptation::NewStub(channel);
    attacker.thread = std::thread([this, attack, &attacker] {
      while (!over_) (this->*attack)(attacker);
    });
  }
}

void Flood::Count(bool answered) { ++(answered ? answered_ : refused_); }

grpc::ClientContext* Flood::NewCall(Attacker& attacker) {
  absl::MutexLock lock(&attacker.mutex);
  if (over_) return nullptr;
  attacker.context = std::make_unique<grpc::ClientContext>();
  return attacker.context.get();
}

v1::ActRequest Flood::Stateless(uint32_t steps) const {
  v1::ActRequest request;
  request.mutable_observation()->Resize(observation_size_, 0.1f);
  request.mutable_settings()->set_steps(steps);
  return request;
}

void Flood::Backlog(Attacker& attacker) {
  grpc::ClientContext* const context = NewCall(attacker);
  if (context == nullptr) return;
  const auto stream = attacker.stub->Control(context);
  const v1::ActRequest request = Stateless(20);
  v1::ControlResponse answer;
  for (int i = 0; i < kUnanswered; ++i) {
    if (!stream->Write(request)) break;
  }
  while (stream->Read(&answer)) {
    Count(answer.has_response());
    if (!stream->Write(request)) break;
  }
  context->TryCancel();
  stream->Finish();
}

bool Flood::Call(Attacker& attacker, const v1::ActRequest& request) {
  grpc::ClientContext* const context = NewCall(attacker);
  if (context == nullptr) return false;
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(10));
  v1::ActResponse answer;
  const bool ok = attacker.stub->Act(context, request, &answer).ok();
  Count(ok);
  return ok;
}

void Flood::Hurry(Attacker& attacker) {
  v1::ActRequest request = Stateless(1);
  request.mutable_budget()->set_nanos(5000000);
  Call(attacker, request);
}

void Flood::Greed(Attacker& attacker) { Call(attacker, Stateless(1000)); }

void Flood::LongIds(Attacker& attacker) {
  v1::ActRequest request = Stateless(1);
  request.set_session_id(std::string(kLongId, 'x'));
  while (!over_) Call(attacker, request);
}

void Flood::LongIdsStreamed(Attacker& attacker) {
  grpc::ClientContext* const context = NewCall(attacker);
  if (context == nullptr) return;
  const auto stream = attacker.stub->Control(context);
  v1::ActRequest request = Stateless(1);
  request.set_session_id(std::string(kLongId, 'x'));
  v1::ControlResponse answer;
  while (stream->Write(request) && stream->Read(&answer)) {
    Count(answer.has_response());
  }
  context->TryCancel();
  stream->Finish();
}

void Flood::BeDeaf(Attacker& attacker) {
  grpc::ClientContext* const context = NewCall(attacker);
  if (context == nullptr) return;
  const auto stream = attacker.stub->Control(context);
  v1::ActRequest request = Stateless(0);
  request.set_plan_length(64);  // Large answers.
  while (stream->Write(request)) {
  }
  context->TryCancel();
  stream->Finish();
}

void Flood::BeKilled(Attacker&) {
  RunningCommand client({endless_client_, "use", address_, "8"});
  absl::SleepFor(absl::Milliseconds(300));
  client.Signal(SIGKILL);
  client.Wait();
  ++killed_;
}

}  // namespace foresight
