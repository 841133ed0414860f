// Fuzzes requests from the wire: each is answered, and the sessions that they
// name stay usable.
//
// An input is a sequence of messages: a byte for the kind, a byte for the
// length, then the message. Snapshots to import are sealed here, since a fuzzer
// cannot guess a checksum.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "models/bundle/random_bundle.h"
#include "proto/saved_session.pb.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/session_keeper.h"
#include "server/decisions/session_operations.h"
#include "server/durability/snapshot.h"
#include "tests/support/fake_engine.h"

namespace foresight {
namespace {

class World {
 public:
  World() {
    auto bundle = std::make_shared<const Bundle>(RandomBundle());
    if (!models_.Add({bundle, engine_}).ok()) std::abort();
  }

  // Begins and ends without a session.
  void Play(absl::string_view input) {
    while (input.size() >= 2) {
      const int kind = static_cast<uint8_t>(input[0]) % 5;
      const std::string message(
          input.substr(2, static_cast<uint8_t>(input[1])));
      input.remove_prefix(2 + message.size());
      Receive(kind, message);
    }
    for (const std::string& id : opened_) {
      v1::ActRequest request;
      request.set_session_id(id);
      for (int i = 0; i < 3; ++i) request.add_observation(0.5f);
      const auto answer = Decide(request);
      if (!answer.ok() && !absl::IsNotFound(answer.status())) std::abort();
      v1::CloseSessionRequest close;
      close.set_session_id(id);
      (void)operations_.Close(close, caller_);
    }
    opened_.clear();
    // A session that timed out before Close keeps its place until Expire.
    (void)sessions_.Expire(MonotonicNow());
    if (sessions_.size() != 0) std::abort();
  }

 private:
  void Receive(int kind, const std::string& message) {
    v1::OpenSessionRequest open;
    v1::ActRequest act;
    v1::ResetSessionRequest reset;
    v1::CloseSessionRequest close;
    v1::SavedSession saved;
    if (kind == 0 && open.ParseFromString(message)) {
      const auto session = operations_.Open(open, caller_);
      if (session.ok()) opened_.push_back(session->session_id());
    } else if (kind == 1 && act.ParseFromString(message)) {
      Check(Decide(act));
    } else if (kind == 2 && reset.ParseFromString(message)) {
      (void)operations_.Reset(reset, caller_);
    } else if (kind == 3 && close.ParseFromString(message)) {
      (void)operations_.Close(close, caller_);
    } else if (kind == 4 && saved.ParseFromString(message)) {
      v1::SessionSnapshot snapshot;
      snapshot.set_snapshot(EncodeSnapshot(saved));
      const auto session = operations_.Import(snapshot, caller_);
      if (session.ok()) opened_.push_back(session->session_id());
    }
  }

  static void Check(const DecisionCall::Answer& answer) {
    if (absl::IsInternal(answer.status())) std::abort();
    if (!answer.ok()) return;
    for (const float value : (*answer)->action()) {
      if (!(value >= -1 && value <= 1)) std::abort();
    }
  }

  DecisionCall::Answer Decide(const v1::ActRequest& request) {
    absl::Notification answered;
    DecisionCall::Answer answer = absl::UnknownError("no answer");
    maker_.Start(std::make_shared<DecisionCall>(
        request, caller_, MonotonicNow(), absl::InfiniteFuture(),
        [&](const DecisionCall::Answer& given) {
          answer = given;
          answered.Notify();
        }));
    answered.WaitForNotification();  // libFuzzer's timeout ends a hang.
    return answer;
  }

  static Scheduler::Options OneLane() {
    Scheduler::Options options;
    options.queue.lanes = 1;
    return options;
  }

  const Caller caller_ = {"fuzzer", "connection"};
  const std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>(2);
  Metrics metrics_{"test"};
  ModelRegistry models_;
  const SessionKeeper keeper_{{}, nullptr};
  SessionStore sessions_{{16}};
  Timer timer_;
  // Never destroyed: a fuzzer's threads live as long as its process.
  Scheduler* const scheduler_ = new Scheduler(OneLane());
  DecisionMaker maker_{
      {}, {}, {&models_, &sessions_, &keeper_, scheduler_, &timer_, &metrics_}};
  SessionOperations operations_{{},         {},       &models_,
                                &sessions_, &keeper_, &metrics_};
  std::vector<std::string> opened_;
};

}  // namespace
}  // namespace foresight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const world = new foresight::World;
  world->Play({reinterpret_cast<const char*>(data), size});
  return 0;
}
