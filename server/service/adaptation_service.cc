#include "server/service/adaptation_service.h"

#include <algorithm>
#include <utility>

#include "server/decisions/messages.h"
#include "server/service/act_call.h"
#include "server/service/caller.h"
#include "server/service/trace_metadata.h"
#include "server/service/unary_answer.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
template <typename Message>
void AdaptationService::Answer(grpc::ServerUnaryReactor* reactor, Method method,
                               absl::StatusOr<Message> result,
                               Message* response) {
  AnswerUnary(*parts_.metrics, reactor, method, std::move(result), response);
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

grpc::ServerUnaryReactor* AdaptationService::FinishWhenBegun(
    grpc::CallbackServerContext* context, Method method, const Caller& caller,
    bool named_by_client, absl::StatusOr<v1::Session> result,
    v1::Session* response) {
  if (!result.ok()) {
    return Finish<v1::Session>(context, method, std::move(result), response);
  }
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.sessions->WhenBegun(
      *result, caller, named_by_client,
      [this, reactor, method, result, response](const absl::Status& begun) {
        Answer(reactor, method, begun.ok() ? result : begun, response);
      });
  return reactor;
}

template <typename Message>
grpc::ServerUnaryReactor* AdaptationService::ActOnSession(
    grpc::CallbackServerContext* context, Method method,
    const std::string& session_id,
    std::function<absl::StatusOr<Message>(const Caller&)> act,
    Message* response) {
  const absl::StatusOr<Caller> caller = parts_.identify(*context);
  if (!caller.ok()) {
    return Finish<Message>(context, method, caller.status(), response);
  }
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.sessions->WhenHere(
      session_id, *caller,
      [this, reactor, method, caller = *caller, act = std::move(act),
       response](const absl::Status& here) {
        const absl::StatusOr<Message> result =
            here.ok() ? act(caller) : absl::StatusOr<Message>(here);
        parts_.sessions->WhenKept([this, reactor, method, result, response] {
          Answer(reactor, method, result, response);
        });
      });
  return reactor;
}

void AdaptationService::Drain() {
  parts_.maker->Refuse();
  std::vector<std::weak_ptr<ControlCall>> streams;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;  // Under the lock, so no stream is missed.
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
  Caller caller;
  const auto open = [&]() -> absl::StatusOr<v1::Session> {
    if (Refuses()) return DrainingError();
    ASSIGN_OR_RETURN(caller, parts_.identify(*context));
    return parts_.sessions->Open(*request, caller, ReadTags(*context));
  };
  auto opened = open();
  return FinishWhenBegun(context, Method::kOpenSession, caller,
                         !request->session_id().empty(), std::move(opened),
                         response);
}

grpc::ServerUnaryReactor* AdaptationService::Act(
    grpc::CallbackServerContext* context, const v1::ActRequest* request,
    v1::ActResponse* response) {
  Refuses();  // Only counts the call; the maker refuses it.
  absl::StatusOr<Caller> caller = parts_.identify(*context);
  if (caller.ok()) {
    const absl::Status fits =
        CheckMessageSize(request->ByteSizeLong(), options_.max_message_bytes);
    if (!fits.ok()) caller = fits;
  }
  if (!caller.ok()) {
    return Finish<v1::ActResponse>(context, Method::kAct, caller.status(),
                                   response);
  }
  return ActCall::Start(context, *std::move(caller), *request, response,
                        parts_.maker, parts_.metrics);
}

grpc::ServerBidiReactor<v1::ActRequest, v1::ControlResponse>*
AdaptationService::Control(grpc::CallbackServerContext* context) {
  const auto stream = ControlCall::Start(
      options_, context, [this, context] { return parts_.identify(*context); },
      parts_.maker, parts_.metrics);
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
  return ActOnSession<v1::Session>(
      context, Method::kResetSession, request->session_id(),
      [this, request](const Caller& caller) {
        return parts_.sessions->Reset(*request, caller);
      },
      response);
}

grpc::ServerUnaryReactor* AdaptationService::CloseSession(
    grpc::CallbackServerContext* context,
    const v1::CloseSessionRequest* request,
    v1::CloseSessionResponse* response) {
  return ActOnSession<v1::CloseSessionResponse>(
      context, Method::kCloseSession, request->session_id(),
      [this, request, tags = ReadTags(*context)](
          const Caller& caller) -> absl::StatusOr<v1::CloseSessionResponse> {
        RETURN_IF_ERROR(parts_.sessions->Close(*request, caller, tags));
        return v1::CloseSessionResponse();
      },
      response);
}

grpc::ServerUnaryReactor* AdaptationService::ExportSession(
    grpc::CallbackServerContext* context,
    const v1::ExportSessionRequest* request, v1::SessionSnapshot* response) {
  const absl::StatusOr<Caller> caller = parts_.identify(*context);
  if (!caller.ok()) {
    return Finish<v1::SessionSnapshot>(context, Method::kExportSession,
                                       caller.status(), response);
  }
  EchoRequestId(*context);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto answer = [this, reactor,
                       response](absl::StatusOr<v1::SessionSnapshot> snapshot) {
    Answer(reactor, Method::kExportSession, std::move(snapshot), response);
  };
  parts_.sessions->WhenHere(
      request->session_id(), *caller,
      [this, request, caller = *caller, answer](const absl::Status& here) {
        here.ok() ? parts_.sessions->Export(*request, caller, answer)
                  : answer(here);
      });
  return reactor;
}

grpc::ServerUnaryReactor* AdaptationService::ImportSession(
    grpc::CallbackServerContext* context, const v1::SessionSnapshot* request,
    v1::Session* response) {
  Caller caller;
  const auto import = [&]() -> absl::StatusOr<v1::Session> {
    if (Refuses()) return DrainingError();
    ASSIGN_OR_RETURN(caller, parts_.identify(*context));
    return parts_.sessions->Import(*request, caller, ReadTags(*context));
  };
  auto imported = import();
  return FinishWhenBegun(context, Method::kImportSession, caller,
                         /*named_by_client=*/true, std::move(imported),
                         response);
}

}  // namespace foresight
