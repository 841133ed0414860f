// The models being served, by name.
#pragma once

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

// Thread-safe. A model once handed out stays valid whatever is added.
class ModelRegistry {
 public:
  // Errors: AlreadyExists: a model of that name is served.
  absl::Status Add(LoadedModel model) ABSL_LOCKS_EXCLUDED(mutex_);

  // An empty name stands for the only model served.
  // Errors: MODEL_UNKNOWN, naming those that there are.
  absl::StatusOr<std::shared_ptr<const LoadedModel>> Find(
      absl::string_view name) const ABSL_LOCKS_EXCLUDED(mutex_);

  // In the order of their names.
  std::vector<std::shared_ptr<const LoadedModel>> List() const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const LoadedModel>, std::less<>> models_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
