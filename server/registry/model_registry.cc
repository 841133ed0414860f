#include "server/registry/model_registry.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

using google::protobuf::util::MessageDifferencer;

}  // namespace

absl::Status ModelRegistry::Add(LoadedModel model) {
  auto shared = std::make_shared<const LoadedModel>(std::move(model));
  const std::string name = shared->name();
  absl::MutexLock lock(&mutex_);
  if (models_.count(name) > 0) {
    return absl::AlreadyExistsError(absl::StrCat(
        "two bundles are named \"", name, "\", expected different names"));
  }
  RETURN_IF_ERROR(Room());
  models_.emplace(name, std::move(shared));
  return absl::OkStatus();
}

ModelRegistry::Model ModelRegistry::Serve(LoadedModel model) {
  auto shared = std::make_shared<const LoadedModel>(std::move(model));
  absl::MutexLock lock(&mutex_);
  Install(shared);
  return shared;
}

ModelRegistry::Model ModelRegistry::ServeAgain(const v1::Bundle& manifest) {
  const auto equals = [&manifest](const Model& model) {
    return MessageDifferencer::Equals(model->bundle->manifest(), manifest);
  };
  absl::MutexLock lock(&mutex_);
  const auto served = models_.find(manifest.name());
  if (served != models_.end() && equals(served->second)) return served->second;
  const auto found = std::find_if(retired_.begin(), retired_.end(), equals);
  if (found == retired_.end()) return nullptr;
  Model again = std::move(*found);
  retired_.erase(found);
  Install(again);
  return again;
}

void ModelRegistry::Install(Model model) {
  Model& served = models_[model->name()];
  served.swap(model);
  if (model != nullptr) retired_.push_back(std::move(model));
}

absl::StatusOr<ModelRegistry::Model> ModelRegistry::Remove(
    absl::string_view name) {
  absl::MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  if (found == models_.end()) return Unknown(name);
  Model model = std::move(found->second);
  models_.erase(found);
  retired_.push_back(model);
  return model;
}

absl::StatusOr<ModelRegistry::Model> ModelRegistry::Find(
    absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  if (name.empty() && models_.size() == 1) return models_.begin()->second;
  const auto found = models_.find(name);
  if (found != models_.end()) return found->second;
  return Unknown(name);
}

absl::Status ModelRegistry::Unknown(absl::string_view name) const {
  std::string expected;
  for (const auto& [known, model] : models_) {
    absl::StrAppend(&expected, expected.empty() ? "one of " : ", ", "\"", known,
                    "\"");
  }
  const std::string asked =
      name.empty()
          ? "no model is named"
          : absl::StrCat("model \"", absl::CHexEscape(name.substr(0, 128)),
                         "\" is not served");
  return MakeError(Reason::kModelUnknown,
                   absl::StrCat(asked, ", expected ",
                                expected.empty() ? "one that is loaded: none is"
                                                 : expected));
}

std::vector<ModelRegistry::Model> ModelRegistry::List() const {
  std::vector<Model> models;
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, model] : models_) models.push_back(model);
  return models;
}

std::vector<ModelRegistry::Model> ModelRegistry::InMemory() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Model> models = retired_;
  for (const auto& [name, model] : models_) models.push_back(model);
  return models;
}

absl::Status ModelRegistry::CheckRoom() const {
  absl::MutexLock lock(&mutex_);
  return Room();
}

absl::Status ModelRegistry::Room() const {
  const size_t present = models_.size() + retired_.size();
  if (present < options_.max_generations) return absl::OkStatus();
  return MakeError(
      Reason::kModelsFull,
      absl::StrCat(present, " models are in memory, ", retired_.size(),
                   " of them replaced or unloaded but still used by sessions, "
                   "expected fewer than ",
                   options_.max_generations));
}

size_t ModelRegistry::FreeUnused() {
  std::vector<Model> unused;  // Freed after unlocking.
  absl::MutexLock lock(&mutex_);
  // Nobody can get hold of a retired model that nobody holds.
  const auto first = std::stable_partition(
      retired_.begin(), retired_.end(),
      [](const Model& model) { return model.use_count() > 1; });
  unused.assign(std::make_move_iterator(first),
                std::make_move_iterator(retired_.end()));
  retired_.erase(first, retired_.end());
  return unused.size();
}

size_t ModelRegistry::generations() const {
  absl::MutexLock lock(&mutex_);
  return models_.size() + retired_.size();
}

}  // namespace foresight
