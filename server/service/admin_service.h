// v1::Admin over gRPC's callback API.
#pragma once

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/admin.grpc.pb.h"
#include "server/decisions/model_operations.h"
#include "server/decisions/session_operations.h"
#include "server/metrics/metrics.h"
#include "server/service/caller.h"

namespace foresight {

// Thread-safe. Before a call gets here, the credentials of the address that
// this is served on decide whether its caller may administer.
class AdminService final : public v1::Admin::CallbackService {
 public:
  using Drained = std::function<void(absl::StatusOr<v1::DrainResponse>)>;

  // All objects pointed to outlive it.
  struct Parts {
    ModelOperations* models;
    const SessionOperations* sessions;
    // Calls back once, when no decision is in flight.
    std::function<void(Drained)> drain;
    Metrics* metrics;
    IdentifyCaller identify;  // Fails if the caller's token was withdrawn.
  };

  explicit AdminService(Parts parts) : parts_(std::move(parts)) {}

  grpc::ServerUnaryReactor* LoadModel(grpc::CallbackServerContext* context,
                                      const v1::LoadModelRequest* request,
                                      v1::Model* response) override;
  grpc::ServerUnaryReactor* UnloadModel(
      grpc::CallbackServerContext* context,
      const v1::UnloadModelRequest* request,
      v1::UnloadModelResponse* response) override;
  grpc::ServerUnaryReactor* ListSessions(
      grpc::CallbackServerContext* context,
      const v1::ListSessionsRequest* request,
      v1::ListSessionsResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override;

 private:
  // Ends the call with the result that `work` passes to its callback, at once
  // or later.
  template <typename Message, typename Work>
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context,
                                  Method method, Message* response, Work work);

  const Parts parts_;
};

}  // namespace foresight
