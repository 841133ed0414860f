#include "server/service/adaptation_service.h"

#include <algorithm>
#include <utility>

#include "server/decisions/messages.h"
#include "server/service/act_reactor.h"
#include "server/service/caller.h"
#include "server/service/status_conversion.h"
#include "server/service/trace_metadata.h"
#include "server/support/error.h"

namespace foresight {
template <typename Message>
void AdaptationService::Answer(grpc::ServerUnaryReactor* reactor, Method method,
                               absl::StatusOr<Message> result,
                               Message* response) {
  parts_.metrics->CountRequest(method, result.status().code());
  if (result.ok()) *response = *std::move(result);
  reactor->Finish(ToGrpc(result.status()));
}

template <typename Message>
grpc::ServerUnaryReactor* AdaptationService::Finish(
    grpc::CallbackServerContext* context, Method method,
    absl::StatusOr<Message> result, Message* response) {
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Answer(reactor, method, std::move(result), response);
  return reactor;
}

template <typename Message>
grpc::ServerUnaryReactor* AdaptationService::FinishWhenKept(
    grpc::CallbackServerContext* context, Method method,
    absl::StatusOr<Message> result, Message* response) {
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.sessions->WhenKept(
      [this, reactor, method, result = std::move(result), response] {
        Answer(reactor, method, result, response);
      });
  return reactor;
}

void AdaptationService::Drain() {
  parts_.maker->Refuse();
  std::vector<std::weak_ptr<ControlCall>> streams;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;  // Under the lock: no stream is missed below.
    streams.swap(streams_);
  }
  for (const auto& weak : streams) {
    if (const auto stream = weak.lock()) stream->Drain();
  }
}

bool AdaptationService::Refuses() {
  if (!draining_) return false;
  ++refused_;
  return true;
}

grpc::ServerUnaryReactor* AdaptationService::ListModels(
    grpc::CallbackServerContext* context, const v1::ListModelsRequest*,
    v1::ListModelsResponse* response) {
  v1::ListModelsResponse list;
  for (const auto& model : parts_.models->List()) {
    *list.add_models() = ToProto(*model);
  }
  return Finish<v1::ListModelsResponse>(context, Method::kListModels,
                                        std::move(list), response);
}

grpc::ServerUnaryReactor* AdaptationService::GetModel(
    grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
    v1::Model* response) {
  const auto model = parts_.models->Find(request->name());
  return Finish<v1::Model>(
      context, Method::kGetModel,
      model.ok() ? absl::StatusOr<v1::Model>(ToProto(**model)) : model.status(),
      response);
}

grpc::ServerUnaryReactor* AdaptationService::OpenSession(
    grpc::CallbackServerContext* context, const v1::OpenSessionRequest* request,
    v1::Session* response) {
  return FinishWhenKept<v1::Session>(
      context, Method::kOpenSession,
      Refuses() ? DrainingError()
                : parts_.sessions->Open(*request, CallerOf(*context),
                                        ReadTags(*context)),
      response);
}

grpc::ServerUnaryReactor* AdaptationService::Act(
    grpc::CallbackServerContext* context, const v1::ActRequest* request,
    v1::ActResponse* response) {
  Refuses();  // Only counts it; the maker refuses it.
  return ActReactor::Start(context, *request, response, parts_.maker,
                           parts_.metrics);
}

grpc::ServerBidiReactor<v1::ActRequest, v1::ControlResponse>*
AdaptationService::Control(grpc::CallbackServerContext* context) {
  const auto stream =
      ControlCall::Start(options_, context, parts_.maker, parts_.metrics);
  bool draining;
  {
    absl::MutexLock lock(&mutex_);
    draining = Refuses();
    streams_.erase(
        std::remove_if(streams_.begin(), streams_.end(),
                       [](const auto& known) { return known.expired(); }),
        streams_.end());
    streams_.push_back(stream);
  }
  if (draining) stream->Drain();
  return stream.get();  // It owns itself until its end.
}

grpc::ServerUnaryReactor* AdaptationService::ResetSession(
    grpc::CallbackServerContext* context,
    const v1::ResetSessionRequest* request, v1::Session* response) {
  return FinishWhenKept<v1::Session>(
      context, Method::kResetSession,
      parts_.sessions->Reset(*request, CallerOf(*context)), response);
}

grpc::ServerUnaryReactor* AdaptationService::CloseSession(
    grpc::CallbackServerContext* context,
    const v1::CloseSessionRequest* request,
    v1::CloseSessionResponse* response) {
  const absl::Status status =
      parts_.sessions->Close(*request, CallerOf(*context), ReadTags(*context));
  using Result = absl::StatusOr<v1::CloseSessionResponse>;
  return FinishWhenKept<v1::CloseSessionResponse>(
      context, Method::kCloseSession,
      status.ok() ? Result(v1::CloseSessionResponse()) : Result(status),
      response);
}

grpc::ServerUnaryReactor* AdaptationService::ExportSession(
    grpc::CallbackServerContext* context,
    const v1::ExportSessionRequest* request, v1::SessionSnapshot* response) {
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.sessions->Export(
      *request, CallerOf(*context),
      [this, reactor, response](absl::StatusOr<v1::SessionSnapshot> snapshot) {
        Answer(reactor, Method::kExportSession, std::move(snapshot), response);
      });
  return reactor;
}

grpc::ServerUnaryReactor* AdaptationService::ImportSession(
    grpc::CallbackServerContext* context, const v1::SessionSnapshot* request,
    v1::Session* response) {
  return FinishWhenKept<v1::Session>(
      context, Method::kImportSession,
      Refuses() ? DrainingError()
                : parts_.sessions->Import(*request, CallerOf(*context),
                                          ReadTags(*context)),
      response);
}

}  // namespace foresight
