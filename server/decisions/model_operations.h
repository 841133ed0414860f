// Loads, replaces and unloads models: at the start and, for an administrator or
// a signal, while the server serves.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "models/bundle/bundle.h"
#include "proto/adaptation.pb.h"
#include "proto/admin.pb.h"
#include "server/adaptation/engine.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/registry/model_root.h"
#include "server/sessions/session_store.h"
#include "server/support/task_thread.h"

namespace foresight {

// A model is loaded and warmed up on a thread of its own, of low priority, and
// then at once replaces the model served under its name. Sessions keep the
// weights that they have until they are reset. A bundle that is refused, or
// whose text and weights are already being served, changes nothing.
//
// Thread-safe.
class ModelOperations {
 public:
  using MakeEngine =
      std::function<absl::StatusOr<std::shared_ptr<const Engine>>(
          std::shared_ptr<const Bundle>)>;
  using Loaded = std::function<void(absl::StatusOr<v1::Model>)>;

  // All objects pointed to outlive it. `root` is the argument of ModelRoot.
  struct Parts {
    MakeEngine make_engine;
    ModelRegistry* models;
    const SessionStore* sessions;
    Metrics* metrics;
  };

  ModelOperations(const std::string& root, Parts parts);

  // Loads `folder`, wherever it is, on the calling thread and serves it beside
  // the others.
  // Errors: those of Bundle::Load, of make_engine, of WarmUp and of
  // ModelRegistry::Add.
  absl::Status Add(const std::filesystem::path& folder);

  // Loads a folder below the root and serves it. Calls `done` once: before it
  // returns, or on the loading thread.
  // Errors:
  //   BUNDLE_INVALID: the folder or its content is refused, or the model served
  //                   under its name takes other observations or actions.
  //   MODELS_FULL:    too many generations are in memory.
  //   OVERLOADED:     too many loads wait.
  //   DRAINING:       after Stop.
  void Load(const v1::LoadModelRequest& request, Loaded done);

  // Loads each folder, wherever it is, as Load does; the log tells how it went.
  void Reload(const std::vector<std::string>& folders);

  // Errors: MODEL_UNKNOWN.
  absl::StatusOr<v1::UnloadModelResponse> Unload(
      const v1::UnloadModelRequest& request);

  // Frees replaced models that no session uses any more; returns their number.
  size_t FreeUnused();

  // Waits until the running load has ended. Answers waiting and later loads
  // with DRAINING.
  void Stop() ABSL_LOCKS_EXCLUDED(thread_mutex_);

 private:
  using Model = ModelRegistry::Model;

  absl::StatusOr<LoadedModel> Make(Bundle bundle) const;
  // Returns false if too many tasks wait, or after Stop.
  bool RunOnThread(std::function<void()> task)
      ABSL_LOCKS_EXCLUDED(thread_mutex_);
  // Serves `folder`, counts the load and logs a refusal, naming `asked`.
  absl::StatusOr<v1::Model> TryServe(
      const std::string& asked,
      const absl::StatusOr<std::filesystem::path>& folder);
  absl::StatusOr<Model> Serve(const std::filesystem::path& folder)
      ABSL_LOCKS_EXCLUDED(served_mutex_);
  void Log(absl::string_view event, const LoadedModel& model,
           const std::string& folder) const;
  void CountGenerations();

  const ModelRoot root_;
  const Parts parts_;
  std::atomic<bool> stopping_ = false;

  // The served models and their metrics change together.
  absl::Mutex served_mutex_;
  absl::Mutex thread_mutex_;
  // Null after Stop.
  std::unique_ptr<TaskThread> thread_ ABSL_GUARDED_BY(thread_mutex_);
};

}  // namespace foresight
