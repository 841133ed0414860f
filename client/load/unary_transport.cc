#include <grpcpp/client_context.h>

#include <chrono>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/error_conversion.h"
#include "client/load/transport.h"

namespace foresight {
namespace {

class UnaryTransport : public Transport {
 public:
  UnaryTransport(const Stubs& stubs, const std::vector<std::string>& sessions,
                 AnswerReceiver* receiver)
      : receiver_(receiver), loops_(sessions.size()) {
    for (size_t i = 0; i < sessions.size(); ++i) {
      loops_[i].stub = stubs[i % stubs.size()].get();
      loops_[i].request.set_session_id(sessions[i]);
    }
  }

  ~UnaryTransport() override {
    for (Loop& loop : loops_) {
      if (loop.context.has_value()) loop.context->TryCancel();
    }
    const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return outstanding_ == 0;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&idle));
  }

  void Send(int index, absl::Span<const float> observation,
            absl::Duration time_left) override {
    Loop& loop = loops_[index];
    // The loop's last call is over; otherwise it would not send.
    loop.context.emplace();
    loop.context->set_deadline(std::chrono::system_clock::now() +
                               absl::ToChronoNanoseconds(time_left));
    SetObservation(observation, &loop.request);
    {
      absl::MutexLock lock(&mutex_);
      ++outstanding_;
    }
    loop.stub->async()->Act(
        &*loop.context, &loop.request, &loop.response,
        [this, index](const grpc::Status& status) { Finish(index, status); });
  }

 private:
  struct Loop {
    v1::Adaptation::Stub* stub = nullptr;
    std::optional<grpc::ClientContext> context;
    v1::ActRequest request;
    v1::ActResponse response;
  };

  void Finish(int index, const grpc::Status& status)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    if (status.ok()) {
      receiver_->OnAnswer(index, loops_[index].response);
    } else {
      receiver_->OnError(index, ReasonOf(FromCall(status)));
    }
    absl::MutexLock lock(&mutex_);
    --outstanding_;
  }

  AnswerReceiver* const receiver_;
  std::vector<Loop> loops_;
  absl::Mutex mutex_;
  int outstanding_ ABSL_GUARDED_BY(mutex_) = 0;  // Calls.
};

}  // namespace

std::unique_ptr<Transport> MakeUnaryTransport(
    const Stubs& stubs, const std::vector<std::string>& sessions,
    AnswerReceiver* receiver) {
  return std::make_unique<UnaryTransport>(stubs, sessions, receiver);
}

}  // namespace foresight
