// Serves v1::Adaptation over gRPC's callback API.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/adaptation.grpc.pb.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/session_operations.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/service/caller.h"
#include "server/service/control_call.h"

namespace foresight {

// Thread-safe. Adaptation itself runs on the scheduler's threads.
class AdaptationService final : public v1::Adaptation::CallbackService {
 public:
  // All objects pointed to outlive it.
  struct Parts {
    const ModelRegistry* models;
    SessionOperations* sessions;
    DecisionMaker* maker;
    Metrics* metrics;
    IdentifyCaller identify;
  };

  AdaptationService(ControlCall::Options options, Parts parts)
      : options_(options), parts_(std::move(parts)) {}

  // Answers new sessions and decisions with DRAINING, and ends each stream when
  // the requests that it has read are answered.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  // The number of calls refused since Drain.
  uint64_t refused() const { return refused_; }

  grpc::ServerUnaryReactor* ListModels(
      grpc::CallbackServerContext* context,
      const v1::ListModelsRequest* request,
      v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::Model* response) override;
  grpc::ServerUnaryReactor* OpenSession(grpc::CallbackServerContext* context,
                                        const v1::OpenSessionRequest* request,
                                        v1::Session* response) override;
  grpc::ServerUnaryReactor* Act(grpc::CallbackServerContext* context,
                                const v1::ActRequest* request,
                                v1::ActResponse* response) override;
  grpc::ServerBidiReactor<v1::ActRequest, v1::ControlResponse>* Control(
      grpc::CallbackServerContext* context) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  grpc::ServerUnaryReactor* ResetSession(grpc::CallbackServerContext* context,
                                         const v1::ResetSessionRequest* request,
                                         v1::Session* response) override;
  grpc::ServerUnaryReactor* CloseSession(
      grpc::CallbackServerContext* context,
      const v1::CloseSessionRequest* request,
      v1::CloseSessionResponse* response) override;
  grpc::ServerUnaryReactor* ExportSession(
      grpc::CallbackServerContext* context,
      const v1::ExportSessionRequest* request,
      v1::SessionSnapshot* response) override;
  grpc::ServerUnaryReactor* ImportSession(grpc::CallbackServerContext* context,
                                          const v1::SessionSnapshot* request,
                                          v1::Session* response) override;

 private:
  // Counts the request and ends the call, with `result` in `response`.
  template <typename Message>
  void Answer(grpc::ServerUnaryReactor* reactor, Method method,
              absl::StatusOr<Message> result, Message* response);
  template <typename Message>
  grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
                                   Method method,
                                   absl::StatusOr<Message> result,
                                   Message* response);

  // Finishes the call that opened or imported a session once the session is
  // stored, or with an error if another server has its name.
  grpc::ServerUnaryReactor* FinishWhenBegun(
      grpc::CallbackServerContext* context, Method method, const Caller& caller,
      bool named_by_client, absl::StatusOr<v1::Session> result,
      v1::Session* response);

  // Runs `act` for the caller, first taking the session over if another server
  // has it. Ends the call when the changes made by `act` are safe.
  template <typename Message>
  grpc::ServerUnaryReactor* ActOnSession(
      grpc::CallbackServerContext* context, Method method,
      const std::string& session_id,
      std::function<absl::StatusOr<Message>(const Caller&)> act,
      Message* response);

  // Returns whether a new call is refused, and counts it if so.
  bool Refuses();

  const ControlCall::Options options_;
  const Parts parts_;
  std::atomic<bool> draining_ = false;
  std::atomic<uint64_t> refused_ = 0;

  absl::Mutex mutex_;
  std::vector<std::weak_ptr<ControlCall>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
