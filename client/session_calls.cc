#include "client/session_calls.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/durations.h"
#include "client/error_conversion.h"
#include "foresight/call_error.h"
#include "foresight/cancellation.h"
#include "foresight/control_stream.h"

namespace foresight {
namespace {

using Stub = v1::Adaptation::StubInterface;
using Repeat = Connection::Repeat;

v1::ActRequest MakeRequest(const std::string& session, uint64_t epoch,
                           absl::Span<const float> observation,
                           const ActOptions& options) {
  v1::ActRequest request;
  request.set_session_id(session);
  request.set_epoch(epoch);
  request.set_plan_length(options.plan_length);
  request.mutable_observation()->Add(observation.begin(), observation.end());
  request.set_report_objective_after(options.report_objective_after);
  if (options.budget.has_value()) {
    *request.mutable_budget() = MessageOf(*options.budget);
  }
  return request;
}

}  // namespace

// The decision of ActAsync. gRPC writes to it until the call has ended.
struct SessionCalls::AsyncAct {
  ActOptions options;
  SteadyTime deadline;
  RemoteSession::OnAnswer on_answer;
  std::shared_ptr<grpc::ClientContext> context;  // Null on a stream.
  v1::ActRequest request;
  v1::ActResponse response;
  std::unique_ptr<Cancellation::Watch> watch;
};

// Decides who answers a decision: the callback with the received answer or, on
// a stream, the end of the session. Shared with the callbacks, which may come
// after that end.
//
// Thread-safe.
class SessionCalls::AsyncGate {
 public:
  // A ticket for a decision that is about to be sent, in a call with `context`
  // or, if that is null, on a stream; 0 if the session is ending.
  uint64_t Open(std::shared_ptr<grpc::ClientContext> context) {
    absl::MutexLock lock(&mutex_);
    if (ending_) return 0;
    context_ = std::move(context);
    return waiting_ = ++last_;
  }

  // True for the first caller with this ticket, which must then answer the
  // decision and call Answered.
  bool Take(uint64_t ticket) {
    absl::MutexLock lock(&mutex_);
    if (waiting_ != ticket) return false;
    waiting_ = 0;
    // Freed while the session lives: if the context held the last reference to
    // the channel, a gRPC thread would free it and would have to join itself.
    context_ = nullptr;
    ++answering_;
    return true;
  }

  void Answered() {
    absl::MutexLock lock(&mutex_);
    --answering_;
  }

  // Ends the session: cancels a call that is waited for, and returns the ticket
  // of a decision on a stream, or 0.
  uint64_t End() {
    std::shared_ptr<grpc::ClientContext> call;
    {
      absl::MutexLock lock(&mutex_);
      ending_ = true;
      if (waiting_ == 0) return 0;
      if (context_ == nullptr) return waiting_;
      call = context_;
    }
    call->TryCancel();
    return 0;
  }

  void AwaitIdle() {
    const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return waiting_ == 0 && answering_ == 0;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&idle));
  }

 private:
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;  // A ticket; 0: none.
  int answering_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mutex_);
};

SessionCalls::SessionCalls(std::shared_ptr<const Replicas> replicas,
                           int replica, v1::Session description)
    : replicas_(std::move(replicas)),
      description_(std::move(description)),
      decisions_(description_),
      replica_(replica),
      gate_(std::make_shared<AsyncGate>()) {}

SessionCalls::~SessionCalls() {
  const uint64_t ticket = gate_->End();
  if (ticket != 0 && gate_->Take(ticket)) {
    EndAsync(absl::CancelledError("the session was destroyed"));
    gate_->Answered();
  }
  gate_->AwaitIdle();
  CallOptions call;
  call.timeout = std::min(absl::Seconds(1), replicas_->options().call_timeout);
  Close(call).IgnoreError();
}

int SessionCalls::Place() {
  if (replicas_->size() == 1) return 0;
  if (leaving_ || !replicas_->connection(replica_)->ready()) {
    const int next = replicas_->Choose(id(), replica_);
    // If no other replica serves either, the session stays.
    if (replicas_->connection(next)->ready()) replica_ = next;
    leaving_ = false;
  }
  return replica_;
}

void SessionCalls::Learn(const absl::Status& status) {
  if (replicas_->size() == 1) return;
  // The server itself has not answered, or says that it is draining.
  leaving_ =
      ErrorReason(status) == v1::DRAINING ||
      (ErrorReasonName(status).empty() &&
       (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)));
}

template <typename Request, typename Response>
absl::StatusOr<Response> SessionCalls::Call(
    grpc::Status (v1::Adaptation::StubInterface::*method)(grpc::ClientContext*,
                                                          const Request&,
                                                          Response*),
    const Request& request, const CallOptions& options,
    Connection::Repeat repeat) {
  RetryPolicy policy = replicas_->options().retry;
  if (repeat == Repeat::kHarmful) {
    policy.max_attempts = replicas_->size() > 1 ? 2 : 1;
  }
  const SteadyTime deadline =
      replicas_->connection(replica_)->Deadline(options);
  CallOptions call = options;
  absl::StatusOr<Response> response = absl::UnknownError("not run");
  const absl::Status status =
      WithRetries(policy, deadline, call.cancellation, [&] {
        replicas_->AwaitOne(deadline, call.cancellation);
        call.timeout = Between(SteadyNow(), deadline);
        response = replicas_->connection(Place())->Call(method, request, call,
                                                        Repeat::kHarmful);
        Learn(response.status());
        return response.status();
      });
  if (!status.ok()) return status;
  return response;
}

SessionCalls::Answer SessionCalls::Act(absl::Span<const float> observation,
                                       const ActOptions& options) {
  const SteadyTime deadline =
      replicas_->connection(replica_)->Deadline(options.call);
  v1::ActRequest request =
      MakeRequest(id(), decisions_.epoch(), observation, options);
  while (true) {
    request.set_decision_index(decisions_.next());
    auto response = Decide(request, options, deadline);
    // Ask again with the next index if the decision whose answer was lost had
    // been made, for a past observation, or if the server has lost decisions
    // and goes on from an earlier one.
    if (decisions_.Take(response) != DecisionSequence::Next::kAgain) {
      return response;
    }
  }
}

SessionCalls::Answer SessionCalls::Decide(const v1::ActRequest& request,
                                          const ActOptions& options,
                                          SteadyTime deadline) {
  CallOptions call = options.call;
  absl::StatusOr<v1::ActResponse> response = absl::UnknownError("not run");
  const absl::Status status =
      WithRetries(replicas_->options().retry, deadline, call.cancellation, [&] {
        if (options.stream == nullptr) {
          replicas_->AwaitOne(deadline, call.cancellation);
        }
        call.timeout = Between(SteadyNow(), deadline);
        response = options.stream != nullptr
                       ? options.stream->Act(request, call)
                       : replicas_->connection(Place())->Call(
                             &Stub::Act, request, call, Repeat::kHarmful);
        Learn(response.status());
        response = decisions_.RefuseStale(std::move(response));
        // Do not try again on a stream that broke, since it stays broken, or on
        // one to a replica that the session must leave.
        return options.stream != nullptr &&
                       (options.stream->broken() || leaving_)
                   ? absl::OkStatus()
                   : response.status();
      });
  if (!status.ok()) return status;
  return response;
}

void SessionCalls::ActAsync(absl::Span<const float> observation,
                            const ActOptions& options,
                            RemoteSession::OnAnswer on_answer) {
  async_ = std::make_unique<AsyncAct>();
  async_->options = options;
  async_->deadline = replicas_->connection(replica_)->Deadline(options.call);
  async_->on_answer = std::move(on_answer);
  async_->request = MakeRequest(id(), decisions_.epoch(), observation, options);
  SendAsync();
}

void SessionCalls::SendAsync() {
  AsyncAct& act = *async_;
  act.request.set_decision_index(decisions_.next());
  ControlStream* const stream = act.options.stream;
  act.context =
      stream == nullptr ? std::make_shared<grpc::ClientContext>() : nullptr;
  const uint64_t ticket = gate_->Open(act.context);
  if (ticket == 0) {
    // The caller is the last decision's callback.
    return act.on_answer(absl::CancelledError("the session was destroyed"));
  }
  const auto end = [this, gate = gate_, ticket](Answer answer) {
    if (!gate->Take(ticket)) return;  // The session may be gone.
    EndAsync(std::move(answer));
    gate->Answered();
  };
  if (stream != nullptr) return stream->Send(act.request, end);
  if (Cancellation* cancellation = act.options.call.cancellation) {
    act.watch = cancellation->OnCancel(
        [context = act.context] { context->TryCancel(); });
  }
  const Connection& connection = *replicas_->connection(Place());
  SetDeadline(act.deadline, act.context.get());
  NameSession(id(), act.context.get());
  connection.stub().async()->Act(act.context.get(), &act.request, &act.response,
                                 [&act, end](const grpc::Status& status) {
                                   if (status.ok()) {
                                     end(std::move(act.response));
                                   } else {
                                     end(FromCall(status));
                                   }
                                 });
}

void SessionCalls::EndAsync(Answer answer) {
  async_->watch.reset();  // The Cancellation need not outlive the answer.
  Learn(answer.status());
  answer = decisions_.RefuseStale(std::move(answer));
  if (decisions_.Take(answer) == DecisionSequence::Next::kAgain) {
    return SendAsync();
  }
  // The callback may call ActAsync, which replaces async_.
  const RemoteSession::OnAnswer on_answer = std::move(async_->on_answer);
  on_answer(std::move(answer));
}

std::unique_ptr<PendingAct> SessionCalls::Begin(
    absl::Span<const float> observation, const ActOptions& options,
    ReconnectingStream* stream) {
  v1::ActRequest request =
      MakeRequest(id(), decisions_.epoch(), observation, options);
  const std::optional<uint64_t> index = decisions_.next_index();
  if (index.has_value()) request.set_decision_index(*index);
  const int replica = Place();
  if (stream != nullptr && index.has_value()) {
    return PendingAct::Send(*stream, request, replica);
  }
  return PendingAct::Call(
      replicas_->connection(replica), request,
      options.call.timeout.value_or(replicas_->options().call_timeout));
}

DecisionSequence::Next SessionCalls::Finish(Answer& answer) {
  if (!leaving_) Learn(answer.status());
  answer = decisions_.RefuseStale(std::move(answer));
  const auto size = static_cast<int>(description_.model().action_size());
  if (answer.ok() && answer->action_size() != size) {
    answer = absl::InternalError(absl::StrCat(
        "the action has ", answer->action_size(), " values, expected ", size));
  }
  const DecisionSequence::Next next = decisions_.Take(answer);
  if (next == DecisionSequence::Next::kAlign) decisions_.AlignNext();
  return next;
}

absl::Status SessionCalls::Reset(const ResetOptions& options) {
  v1::ResetSessionRequest request;
  request.set_session_id(id());
  request.set_keep_policy(options.keep_policy);
  if (options.seed.has_value()) request.set_seed(*options.seed);
  auto session =
      Call(&Stub::ResetSession, request, options.call, Repeat::kHarmless);
  if (!session.ok()) return session.status();
  description_ = *std::move(session);
  decisions_.Restart(description_);
  return absl::OkStatus();
}

absl::Status SessionCalls::Close(const CallOptions& call) {
  if (closed_) return absl::OkStatus();
  v1::CloseSessionRequest request;
  request.set_session_id(id());
  // Not retried: if the first close worked, a retry gives SESSION_UNKNOWN.
  // An unclosed session expires.
  const absl::Status status =
      Call(&Stub::CloseSession, request, call, Repeat::kHarmful).status();
  closed_ = status.ok() || status.code() == absl::StatusCode::kNotFound;
  return status;
}

}  // namespace foresight
