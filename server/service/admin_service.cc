#include "server/service/admin_service.h"

#include "server/service/trace_metadata.h"
#include "server/service/unary_answer.h"

namespace foresight {

template <typename Message, typename Work>
grpc::ServerUnaryReactor* AdminService::Serve(
    grpc::CallbackServerContext* context, Method method, Message* response,
    Work work) {
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto answer = [this, reactor, method,
                       response](absl::StatusOr<Message> result) {
    AnswerUnary(*parts_.metrics, reactor, method, std::move(result), response);
  };
  const absl::StatusOr<Caller> caller = parts_.identify(*context);
  caller.ok() ? work(answer) : answer(caller.status());
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::LoadModel(
    grpc::CallbackServerContext* context, const v1::LoadModelRequest* request,
    v1::Model* response) {
  return Serve(context, Method::kLoadModel, response,
               [&](auto answer) { parts_.models->Load(*request, answer); });
}

grpc::ServerUnaryReactor* AdminService::UnloadModel(
    grpc::CallbackServerContext* context, const v1::UnloadModelRequest* request,
    v1::UnloadModelResponse* response) {
  return Serve(context, Method::kUnloadModel, response,
               [&](auto answer) { answer(parts_.models->Unload(*request)); });
}

grpc::ServerUnaryReactor* AdminService::ListSessions(
    grpc::CallbackServerContext* context,
    const v1::ListSessionsRequest* request,
    v1::ListSessionsResponse* response) {
  return Serve(context, Method::kListSessions, response,
               [&](auto answer) { answer(parts_.sessions->List(*request)); });
}

grpc::ServerUnaryReactor* AdminService::Drain(
    grpc::CallbackServerContext* context, const v1::DrainRequest*,
    v1::DrainResponse* response) {
  return Serve(context, Method::kDrain, response,
               [&](auto answer) { parts_.drain(answer); });
}

}  // namespace foresight
