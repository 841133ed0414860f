// The models being served, by name, and replaced ones that are still in use.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/registry/loaded_model.h"

namespace foresight {

// A name may have several generations: the one that is served, and earlier ones
// that were handed out and are still held.
//
// Thread-safe. A model once handed out stays valid whatever is added or
// removed.
class ModelRegistry {
 public:
  using Model = std::shared_ptr<const LoadedModel>;
  struct Options {
    size_t max_generations = 16;  // >= 1; of all names together.
  };

  explicit ModelRegistry(Options options) : options_(options) {}
  ModelRegistry() : ModelRegistry(Options()) {}

  // Errors:
  //   AlreadyExists: a model of that name is served.
  //   MODELS_FULL:   as CheckRoom.
  absl::Status Add(LoadedModel model) ABSL_LOCKS_EXCLUDED(mutex_);

  // Serves `model` under its name from now on. The model served under it before
  // is retired.
  Model Serve(LoadedModel model) ABSL_LOCKS_EXCLUDED(mutex_);
  // Serves the generation in memory whose manifest, which has the hash of the
  // weights, equals `manifest`; returns null if there is none.
  Model ServeAgain(const v1::Bundle& manifest) ABSL_LOCKS_EXCLUDED(mutex_);

  // Retires the model that `name` stands for: Find no longer returns it.
  // Errors: MODEL_UNKNOWN.
  absl::StatusOr<Model> Remove(absl::string_view name)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // An empty name means the only model served. Errors: MODEL_UNKNOWN, naming
  // the served ones.
  absl::StatusOr<Model> Find(absl::string_view name) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // All models in the order of their names.
  std::vector<Model> List() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Served and retired ones.
  std::vector<Model> InMemory() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether there is room for another generation. Errors: MODELS_FULL.
  absl::Status CheckRoom() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Frees the retired models that nobody holds, on the calling thread; returns
  // their number.
  size_t FreeUnused() ABSL_LOCKS_EXCLUDED(mutex_);

  // In memory: served and retired ones.
  size_t generations() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Install(Model model) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Room() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Unknown(absl::string_view name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Model, std::less<>> models_ ABSL_GUARDED_BY(mutex_);
  std::vector<Model> retired_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
