// The server of foresight/fake_server.h, and more for our own tests: it fails,
// stalls and loses answers on command.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "foresight/fake_server.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

// A status whose details hold ErrorInfo and, unless infinite, RetryInfo.
grpc::Status DetailedStatus(grpc::StatusCode code, const std::string& message,
                            const std::string& reason,
                            absl::Duration retry_after);

// Sessions behave as adaptation.proto says, decision indices included. The
// default policy is a_i = clamp(0.1 (1 + steps) o_i + 0.01 (seed mod 7)), so
// that a test sees which settings, seed and observation an action came from.
// Action j of a plan, counted from 1, is a_i = clamp(a_i of the answer + 0.1
// j).
//
// Thread-safe.
class FakeAdaptationServer : private v1::Adaptation::Service {
 public:
  // Serves `models`, at a port of the system's choice.
  explicit FakeAdaptationServer(std::vector<v1::Model> models,
                                FakeServer::Policy policy = nullptr);
  ~FakeAdaptationServer() override;

  // A model for HalfCheetah.
  static v1::Model HalfCheetahModel(const std::string& name);

  // Unavailable: it cannot listen.
  const absl::Status& status() const { return status_; }
  const std::string& address() const { return address_; }  // "127.0.0.1:N"

  // Ends all calls; Restart serves at the same port. Stop also forgets the
  // sessions, Disconnect keeps them.
  void Stop();
  void Disconnect();
  void Restart();

  // The next `times` calls of any method but Control answer `status` and do
  // nothing.
  void FailNext(int times, const grpc::Status& status);
  // The next `times` decisions are made, but their answers are lost
  // (UNAVAILABLE).
  void LoseNextAnswers(int times);
  // Decisions stall until they are cancelled or Release is called.
  void Stall();
  void Release();
  // One of the stalled decisions ends with `status`.
  void FailOneStalled(const grpc::Status& status);
  // From now on, answers and sessions show the epoch `epoch`.
  void SetEpoch(uint64_t epoch);
  // The next `times` decisions are made and answered with epoch `epoch`.
  void AnswerAsOfEpoch(uint64_t epoch, int times);
  // All sessions move to decision `next_decision`, as after the import of
  // another snapshot.
  void MoveTo(uint64_t next_decision);
  // Control sends each answer twice.
  void AnswerTwice();
  // Control answers in groups of `size`, the last of a group first.
  void AnswerInReversedGroups(int size);
  // Control ends with `status` when it has read `requests` more requests.
  void EndStreamAfter(int requests, const grpc::Status& status);

  int calls() const;    // All methods; a stream's requests count too.
  int streams() const;  // Control calls so far.
  int stalled_calls() const;
  int cancelled_calls() const;  // Stalled ones that the client gave up.
  int open_sessions() const;
  int opened_sessions() const;
  std::vector<v1::OpenSessionRequest> open_requests() const;
  v1::ActRequest last_act() const;
  v1::ResetSessionRequest last_reset() const;
  void AwaitStalled(int calls) const;
  void AwaitCancelled(int calls) const;

 private:
  struct SessionState {
    v1::Session session;
    std::vector<float> observation;  // The last decision's.
    v1::ActResponse answer;
  };

  grpc::Status ListModels(grpc::ServerContext* context,
                          const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override;
  grpc::Status GetModel(grpc::ServerContext* context,
                        const v1::GetModelRequest* request,
                        v1::Model* response) override;
  grpc::Status OpenSession(grpc::ServerContext* context,
                           const v1::OpenSessionRequest* request,
                           v1::Session* response) override;
  grpc::Status Act(grpc::ServerContext* context, const v1::ActRequest* request,
                   v1::ActResponse* response) override;
  grpc::Status Control(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::ControlResponse, v1::ActRequest>* stream)
      override;
  grpc::Status ResetSession(grpc::ServerContext* context,
                            const v1::ResetSessionRequest* request,
                            v1::Session* response) override;
  grpc::Status CloseSession(grpc::ServerContext* context,
                            const v1::CloseSessionRequest* request,
                            v1::CloseSessionResponse* response) override;

  void Serve(const std::string& address);
  // Counts the call; returns the failure, if any, that FailNext ordered.
  grpc::Status Enter() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits while decisions stall; CANCELLED if the client gives up.
  grpc::Status AwaitRelease(grpc::ServerContext* context)
      ABSL_LOCKS_EXCLUDED(mutex_);
  grpc::Status Decide(const v1::ActRequest& request, v1::ActResponse* response)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // For the next answer.
  uint64_t NextEpoch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  grpc::Status FindModel(const std::string& name, v1::Model* model) const;

  std::vector<float> ActionOf(const v1::Session& session,
                              const v1::ActRequest& request) const;

  const std::vector<v1::Model> models_;
  const FakeServer::Policy policy_;  // Null: the default.
  absl::Status status_;
  std::string address_;

  mutable absl::Mutex mutex_;
  std::map<std::string, SessionState> sessions_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::Status> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::OpenSessionRequest> open_requests_ ABSL_GUARDED_BY(mutex_);
  v1::ActRequest last_act_ ABSL_GUARDED_BY(mutex_);
  v1::ResetSessionRequest last_reset_ ABSL_GUARDED_BY(mutex_);
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<uint64_t> answer_epochs_ ABSL_GUARDED_BY(mutex_);
  bool answering_twice_ ABSL_GUARDED_BY(mutex_) = false;
  int lost_answers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stalling_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<grpc::Status> stalled_failures_ ABSL_GUARDED_BY(mutex_);
  int group_size_ ABSL_GUARDED_BY(mutex_) = 1;
  int stream_requests_left_ ABSL_GUARDED_BY(mutex_) = -1;  // -1: no limit.
  grpc::Status stream_end_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int streams_ ABSL_GUARDED_BY(mutex_) = 0;
  int stalled_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int cancelled_calls_ ABSL_GUARDED_BY(mutex_) = 0;

  std::unique_ptr<grpc::Server> server_;
};

}  // namespace foresight
