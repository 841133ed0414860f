#include "server/decisions/model_operations.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/decisions/messages.h"
#include "server/decisions/request_checks.h"
#include "server/registry/loaded_model.h"
#include "server/support/error.h"
#include "server/support/log.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// Loading takes about a tenth of a core from decisions that want all cores.
constexpr int kLoadingNice = 15;
constexpr size_t kMaxWaitingLoads = 16;

// Converts an error for the caller of LoadModel.
absl::Status Refusal(const absl::Status& why) {
  const std::string reason = ReasonName(why);
  if (reason == "MODELS_FULL" || reason == "BUNDLE_INVALID") return why;
  return MakeError(Reason::kBundleInvalid, why.message());
}

}  // namespace

ModelOperations::ModelOperations(const std::string& root, Parts parts)
    : root_(root), parts_(std::move(parts)) {
  TaskThread::Options options;
  options.max_waiting = kMaxWaitingLoads;
  options.nice = kLoadingNice;
  thread_ = std::make_unique<TaskThread>(options);
}

absl::StatusOr<LoadedModel> ModelOperations::Make(Bundle bundle) const {
  auto shared = std::make_shared<const Bundle>(std::move(bundle));
  ASSIGN_OR_RETURN(auto engine, parts_.make_engine(shared));
  return WarmUp(std::move(shared), std::move(engine));
}

absl::Status ModelOperations::Add(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(Bundle bundle, Bundle::Load(folder));
  ASSIGN_OR_RETURN(LoadedModel model, Make(std::move(bundle)));
  Log("model loaded", model, folder.string());
  const v1::Model description = ToProto(model);
  RETURN_IF_ERROR(parts_.models->Add(std::move(model)));
  parts_.metrics->ServeModel(description);
  CountGenerations();
  return absl::OkStatus();
}

void ModelOperations::Load(const v1::LoadModelRequest& request, Loaded done) {
  const bool runs = RunOnThread([this, folder = request.folder(), done] {
    if (stopping_) return done(DrainingError());
    done(TryServe(folder, root_.Resolve(folder)));
  });
  if (runs) return;
  if (stopping_) return done(DrainingError());
  done(MakeError(
      Reason::kOverloaded,
      absl::StrCat(kMaxWaitingLoads, " loads wait already, expected fewer"),
      absl::Seconds(1)));
}

void ModelOperations::Reload(const std::vector<std::string>& folders) {
  const bool runs = RunOnThread([this, folders] {
    for (const std::string& folder : folders) {
      if (stopping_) return;
      (void)TryServe(folder, std::filesystem::path(folder));  // It is logged.
    }
  });
  if (!runs && !stopping_) LogWarning("too many loads wait for another one");
}

bool ModelOperations::RunOnThread(std::function<void()> task) {
  absl::MutexLock lock(&thread_mutex_);
  return thread_ != nullptr && thread_->Run(std::move(task));
}

absl::StatusOr<v1::Model> ModelOperations::TryServe(
    const std::string& asked,
    const absl::StatusOr<std::filesystem::path>& folder) {
  const auto model = folder.ok() ? Serve(*folder) : folder.status();
  parts_.metrics->CountModelLoad(model.ok());
  if (model.ok()) return ToProto(**model);
  LogError("model refused, nothing changes",
           {{"folder", asked}, {"error", model.status().message()}});
  return Refusal(model.status());
}

absl::StatusOr<ModelOperations::Model> ModelOperations::Serve(
    const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(Bundle bundle, Bundle::Load(folder));
  const v1::Bundle manifest = bundle.manifest();
  if (const auto served = parts_.models->Find(manifest.name()); served.ok()) {
    RETURN_IF_ERROR(CheckSameShape(bundle, *(*served)->bundle));
  }
  {
    absl::MutexLock lock(&served_mutex_);
    if (const Model again = parts_.models->ServeAgain(manifest)) {
      parts_.metrics->ServeModel(ToProto(*again));
      Log("model served again", *again, folder.string());
      return again;
    }
  }
  FreeUnused();
  RETURN_IF_ERROR(parts_.models->CheckRoom());
  ASSIGN_OR_RETURN(LoadedModel fresh, Make(std::move(bundle)));
  Model model;
  {
    absl::MutexLock lock(&served_mutex_);
    model = parts_.models->Serve(std::move(fresh));
    parts_.metrics->ServeModel(ToProto(*model));
  }
  CountGenerations();
  Log("model loaded", *model, folder.string());
  return model;
}

absl::StatusOr<v1::UnloadModelResponse> ModelOperations::Unload(
    const v1::UnloadModelRequest& request) {
  {
    absl::MutexLock lock(&served_mutex_);
    ASSIGN_OR_RETURN(const Model model, parts_.models->Remove(request.name()));
    parts_.metrics->ForgetModel(request.name());
  }
  v1::UnloadModelResponse response;
  for (const auto& model : parts_.sessions->Models()) {
    if (model->name() != request.name()) continue;
    response.set_open_sessions(response.open_sessions() + 1);
  }
  LogInfo("model unloaded", {{"name", request.name()},
                             {"open_sessions", response.open_sessions()}});
  return response;
}

size_t ModelOperations::FreeUnused() {
  const size_t freed = parts_.models->FreeUnused();
  CountGenerations();
  return freed;
}

void ModelOperations::CountGenerations() {
  parts_.metrics->model_generations.Set(
      static_cast<double>(parts_.models->generations()));
}

void ModelOperations::Log(absl::string_view event, const LoadedModel& model,
                          const std::string& folder) const {
  LogInfo(event,
          {{"name", model.name()},
           {"version", model.bundle->manifest().version()},
           {"weights", model.bundle->manifest().weights_sha256()},
           {"folder", folder},
           {"engine", model.engine->name()},
           {"device", model.engine->device()},
           {"frozen_decision", absl::FormatDuration(model.frozen_time)}});
}

void ModelOperations::Stop() {
  stopping_ = true;
  std::unique_ptr<TaskThread> ending;  // Joined after unlocking.
  absl::MutexLock lock(&thread_mutex_);
  ending.swap(thread_);
}

}  // namespace foresight
