#include "client/fake_adaptation_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/durations.h"
#include "proto/error_details.pb.h"

namespace foresight {
namespace {

constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";

grpc::Status Error(grpc::StatusCode code, const std::string& message,
                   const std::string& reason) {
  return DetailedStatus(code, message, reason, absl::InfiniteDuration());
}

grpc::Status UnknownSession(const std::string& id) {
  return Error(grpc::StatusCode::NOT_FOUND,
               absl::StrCat("no session \"", id, "\""), "SESSION_UNKNOWN");
}

std::vector<float> ObservationOf(const v1::ActRequest& request) {
  return {request.observation().begin(), request.observation().end()};
}

void AddPlan(uint32_t length, v1::ActResponse* response) {
  for (uint32_t j = 1; j <= length; ++j) {
    v1::Action* action = response->add_plan();
    for (const float value : response->action()) {
      action->add_values(
          std::clamp(value + 0.1f * static_cast<float>(j), -1.0f, 1.0f));
    }
  }
}

v1::ControlResponse AnswerOf(const v1::ActRequest& request,
                             const grpc::Status& status,
                             const v1::ActResponse& response) {
  v1::ControlResponse answer;
  answer.set_session_id(request.session_id());
  answer.set_decision_index(request.decision_index());
  if (status.ok()) {
    *answer.mutable_response() = response;
    return answer;
  }
  details::Status details;
  details::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    if (detail.type_url() == kErrorInfo) info.ParseFromString(detail.value());
  }
  answer.mutable_error()->set_code(status.error_code());
  answer.mutable_error()->set_message(status.error_message());
  answer.mutable_error()->set_reason(info.reason());
  return answer;
}

}  // namespace

grpc::Status DetailedStatus(grpc::StatusCode code, const std::string& message,
                            const std::string& reason,
                            absl::Duration retry_after) {
  details::Status status;
  status.set_code(code);
  status.set_message(message);
  if (retry_after != absl::InfiniteDuration()) {
    details::RetryInfo retry;
    *retry.mutable_retry_delay() = MessageOf(retry_after);
    google::protobuf::Any* detail = status.add_details();
    detail->set_type_url(kRetryInfo);
    detail->set_value(retry.SerializeAsString());
  }
  details::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("foresight");
  google::protobuf::Any* detail = status.add_details();
  detail->set_type_url(kErrorInfo);
  detail->set_value(info.SerializeAsString());
  return grpc::Status(code, message, status.SerializeAsString());
}

FakeAdaptationServer::FakeAdaptationServer(std::vector<v1::Model> models,
                                           FakeServer::Policy policy)
    : models_(std::move(models)), policy_(std::move(policy)) {
  Serve("127.0.0.1:0");
}

FakeAdaptationServer::~FakeAdaptationServer() { Stop(); }

v1::Model FakeAdaptationServer::HalfCheetahModel(const std::string& name) {
  v1::Model model;
  model.set_name(name);
  model.set_observation_size(17);
  model.set_action_size(6);
  model.set_environment("HalfCheetah-v4");
  model.set_engine("fake");
  model.set_device("cpu");
  model.mutable_defaults()->set_steps(1);
  model.mutable_defaults()->set_horizon(5);
  model.mutable_defaults()->set_mode(v1::PERSIST);
  return model;
}

void FakeAdaptationServer::Serve(const std::string& address) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  status_ =
      server_ == nullptr
          ? absl::UnavailableError(absl::StrCat("cannot listen at ", address))
          : absl::OkStatus();
  if (server_ != nullptr) address_ = absl::StrCat("127.0.0.1:", port);
}

void FakeAdaptationServer::Stop() {
  Disconnect();
  absl::MutexLock lock(&mutex_);
  sessions_.clear();
}

void FakeAdaptationServer::Disconnect() {
  // Cancels the calls that stall.
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_ = nullptr;
  Release();
}

void FakeAdaptationServer::Restart() { Serve(address_); }

void FakeAdaptationServer::FailNext(int times, const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  failures_.insert(failures_.end(), times, status);
}

void FakeAdaptationServer::LoseNextAnswers(int times) {
  absl::MutexLock lock(&mutex_);
  lost_answers_ = times;
}

void FakeAdaptationServer::Stall() {
  absl::MutexLock lock(&mutex_);
  stalling_ = true;
}

void FakeAdaptationServer::Release() {
  absl::MutexLock lock(&mutex_);
  stalling_ = false;
}

void FakeAdaptationServer::FailOneStalled(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  stalled_failures_.push_back(status);
}

void FakeAdaptationServer::SetEpoch(uint64_t epoch) {
  absl::MutexLock lock(&mutex_);
  epoch_ = epoch;
}

void FakeAdaptationServer::AnswerAsOfEpoch(uint64_t epoch, int times) {
  absl::MutexLock lock(&mutex_);
  answer_epochs_.insert(answer_epochs_.end(), times, epoch);
}

void FakeAdaptationServer::MoveTo(uint64_t next_decision) {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, state] : sessions_) {
    state.session.set_next_decision(next_decision);
    state.observation.clear();
  }
}

void FakeAdaptationServer::AnswerTwice() {
  absl::MutexLock lock(&mutex_);
  answering_twice_ = true;
}

void FakeAdaptationServer::AnswerInReversedGroups(int size) {
  absl::MutexLock lock(&mutex_);
  group_size_ = size;
}

void FakeAdaptationServer::EndStreamAfter(int requests,
                                          const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  stream_requests_left_ = requests;
  stream_end_ = status;
}

int FakeAdaptationServer::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

int FakeAdaptationServer::streams() const {
  absl::MutexLock lock(&mutex_);
  return streams_;
}

int FakeAdaptationServer::stalled_calls() const {
  absl::MutexLock lock(&mutex_);
  return stalled_calls_;
}

int FakeAdaptationServer::cancelled_calls() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_calls_;
}

int FakeAdaptationServer::open_sessions() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(sessions_.size());
}

int FakeAdaptationServer::opened_sessions() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(open_requests_.size());
}

std::vector<v1::OpenSessionRequest> FakeAdaptationServer::open_requests()
    const {
  absl::MutexLock lock(&mutex_);
  return open_requests_;
}

v1::ActRequest FakeAdaptationServer::last_act() const {
  absl::MutexLock lock(&mutex_);
  return last_act_;
}

v1::ResetSessionRequest FakeAdaptationServer::last_reset() const {
  absl::MutexLock lock(&mutex_);
  return last_reset_;
}

void FakeAdaptationServer::AwaitStalled(int calls) const {
  const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stalled_calls_ >= calls;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&reached));
}

void FakeAdaptationServer::AwaitCancelled(int calls) const {
  const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return cancelled_calls_ >= calls;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&reached));
}

grpc::Status FakeAdaptationServer::Enter() {
  absl::MutexLock lock(&mutex_);
  ++calls_;
  if (failures_.empty()) return grpc::Status::OK;
  const grpc::Status failure = failures_.front();
  failures_.pop_front();
  return failure;
}

grpc::Status FakeAdaptationServer::AwaitRelease(grpc::ServerContext* context) {
  const auto released = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !stalling_ || !stalled_failures_.empty();
  };
  absl::MutexLock lock(&mutex_);
  if (!stalling_) return grpc::Status::OK;
  ++stalled_calls_;
  // gRPC's synchronous server has no callback for a cancelled call.
  while (!mutex_.AwaitWithTimeout(absl::Condition(&released),
                                  absl::Milliseconds(2))) {
    if (context->IsCancelled()) {
      ++cancelled_calls_;
      return grpc::Status::CANCELLED;
    }
  }
  if (stalled_failures_.empty()) return grpc::Status::OK;
  const grpc::Status failure = stalled_failures_.front();
  stalled_failures_.pop_front();
  return failure;
}

grpc::Status FakeAdaptationServer::FindModel(const std::string& name,
                                             v1::Model* model) const {
  for (const v1::Model& candidate : models_) {
    if (candidate.name() == name || (name.empty() && models_.size() == 1)) {
      *model = candidate;
      return grpc::Status::OK;
    }
  }
  return Error(grpc::StatusCode::NOT_FOUND,
               absl::StrCat("no model \"", name, "\""), "MODEL_UNKNOWN");
}

grpc::Status FakeAdaptationServer::ListModels(
    grpc::ServerContext* /*context*/, const v1::ListModelsRequest* /*request*/,
    v1::ListModelsResponse* response) {
  if (grpc::Status status = Enter(); !status.ok()) return status;
  for (const v1::Model& model : models_) *response->add_models() = model;
  return grpc::Status::OK;
}

grpc::Status FakeAdaptationServer::GetModel(grpc::ServerContext* /*context*/,
                                            const v1::GetModelRequest* request,
                                            v1::Model* response) {
  if (grpc::Status status = Enter(); !status.ok()) return status;
  return FindModel(request->name(), response);
}

grpc::Status FakeAdaptationServer::OpenSession(
    grpc::ServerContext* /*context*/, const v1::OpenSessionRequest* request,
    v1::Session* response) {
  if (grpc::Status status = Enter(); !status.ok()) return status;
  v1::Session session;
  if (grpc::Status status =
          FindModel(request->model(), session.mutable_model());
      !status.ok()) {
    return status;
  }
  *session.mutable_settings() = session.model().defaults();
  session.mutable_settings()->MergeFrom(request->settings());
  session.set_seed(request->seed());
  absl::MutexLock lock(&mutex_);
  open_requests_.push_back(*request);
  session.set_epoch(epoch_);
  session.set_session_id(request->session_id().empty()
                             ? absl::StrCat("session-", open_requests_.size())
                             : request->session_id());
  sessions_[session.session_id()] = {session, {}, {}};
  *response = session;
  return grpc::Status::OK;
}

std::vector<float> FakeAdaptationServer::ActionOf(
    const v1::Session& session, const v1::ActRequest& request) const {
  const std::vector<float> observation = ObservationOf(request);
  if (policy_ != nullptr) return policy_(observation);
  const float offset = 0.01f * static_cast<float>(session.seed() % 7);
  const float scale = 0.1f * static_cast<float>(1 + session.settings().steps());
  std::vector<float> action(
      std::min<size_t>(session.model().action_size(), observation.size()));
  for (size_t i = 0; i < action.size(); ++i) {
    action[i] = std::clamp(scale * observation[i] + offset, -1.0f, 1.0f);
  }
  return action;
}

grpc::Status FakeAdaptationServer::Decide(const v1::ActRequest& request,
                                          v1::ActResponse* response) {
  absl::MutexLock lock(&mutex_);
  last_act_ = request;
  const auto found = sessions_.find(request.session_id());
  if (found == sessions_.end() && !request.session_id().empty()) {
    return UnknownSession(request.session_id());
  }
  SessionState stateless;
  *stateless.session.mutable_model() = models_.front();
  *stateless.session.mutable_settings() = request.settings();
  stateless.session.set_seed(request.seed());
  stateless.session.set_next_decision(request.decision_index());
  SessionState& state = found == sessions_.end() ? stateless : found->second;
  const v1::Model& model = state.session.model();
  if (policy_ != nullptr && static_cast<uint32_t>(request.observation_size()) !=
                                model.observation_size()) {
    return Error(grpc::StatusCode::INVALID_ARGUMENT,
                 absl::StrCat("observation has ", request.observation_size(),
                              " values, expected ", model.observation_size()),
                 "OBSERVATION_INVALID");
  }
  const uint64_t next = state.session.next_decision();
  const uint64_t index =
      request.has_decision_index() ? request.decision_index() : next;
  if (index + 1 == next && state.observation == ObservationOf(request)) {
    *response = state.answer;
    return grpc::Status::OK;
  }
  if (index != next) {
    return Error(grpc::StatusCode::FAILED_PRECONDITION,
                 absl::StrCat("decision ", index, ", expected ", next),
                 index < next ? "DECISION_CHANGED" : "DECISION_SKIPPED");
  }
  const uint32_t steps = state.session.settings().steps();
  response->set_session_id(request.session_id());
  response->set_decision_index(index);
  for (const float value : ActionOf(state.session, request)) {
    response->add_action(value);
  }
  AddPlan(request.plan_length(), response);
  response->mutable_report()->set_outcome(steps > 0 ? v1::ADAPTED : v1::FROZEN);
  response->mutable_report()->set_steps_requested(steps);
  response->mutable_report()->set_steps_done(steps);
  state.session.set_next_decision(index + 1);
  state.observation = ObservationOf(request);
  state.answer = *response;
  return grpc::Status::OK;
}

uint64_t FakeAdaptationServer::NextEpoch() {
  if (answer_epochs_.empty()) return epoch_;
  const uint64_t epoch = answer_epochs_.front();
  answer_epochs_.pop_front();
  return epoch;
}

grpc::Status FakeAdaptationServer::Act(grpc::ServerContext* context,
                                       const v1::ActRequest* request,
                                       v1::ActResponse* response) {
  if (grpc::Status status = Enter(); !status.ok()) return status;
  if (grpc::Status status = AwaitRelease(context); !status.ok()) return status;
  const grpc::Status status = Decide(*request, response);
  absl::MutexLock lock(&mutex_);
  if (status.ok()) response->set_epoch(NextEpoch());
  if (lost_answers_ == 0) return status;
  --lost_answers_;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the answer was lost");
}

grpc::Status FakeAdaptationServer::Control(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::ControlResponse, v1::ActRequest>* stream) {
  {
    absl::MutexLock lock(&mutex_);
    ++streams_;
  }
  std::vector<v1::ControlResponse> group;
  v1::ActRequest request;
  while (true) {
    size_t group_size = 0;
    {
      absl::MutexLock lock(&mutex_);
      group_size = group_size_;
      if (stream_requests_left_ == 0) return stream_end_;
      if (stream_requests_left_ > 0) --stream_requests_left_;
    }
    if (!stream->Read(&request)) return grpc::Status::OK;
    grpc::Status status = Enter();
    v1::ActResponse response;
    if (status.ok()) status = AwaitRelease(context);
    if (status.ok()) status = Decide(request, &response);
    bool twice = false;
    {
      absl::MutexLock lock(&mutex_);
      twice = answering_twice_;
      if (status.ok()) response.set_epoch(NextEpoch());
    }
    if (twice) group.push_back(AnswerOf(request, status, response));
    group.push_back(AnswerOf(request, status, response));
    if (group.size() < group_size) continue;
    for (; !group.empty(); group.pop_back()) stream->Write(group.back());
  }
}

grpc::Status FakeAdaptationServer::ResetSession(
    grpc::ServerContext* /*context*/, const v1::ResetSessionRequest* request,
    v1::Session* response) {
  if (grpc::Status status = Enter(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(request->session_id());
  if (found == sessions_.end()) return UnknownSession(request->session_id());
  v1::Session& session = found->second.session;
  last_reset_ = *request;
  session.set_next_decision(0);
  session.set_epoch(epoch_);
  if (request->has_seed()) session.set_seed(request->seed());
  *response = session;
  return grpc::Status::OK;
}

grpc::Status FakeAdaptationServer::CloseSession(
    grpc::ServerContext* /*context*/, const v1::CloseSessionRequest* request,
    v1::CloseSessionResponse* /*response*/) {
  if (grpc::Status status = Enter(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  if (sessions_.erase(request->session_id()) == 0) {
    return UnknownSession(request->session_id());
  }
  return grpc::Status::OK;
}

}  // namespace foresight
