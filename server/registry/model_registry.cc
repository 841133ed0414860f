#include "server/registry/model_registry.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {

absl::Status ModelRegistry::Add(LoadedModel model) {
  auto shared = std::make_shared<const LoadedModel>(std::move(model));
  const std::string name = shared->name();
  absl::MutexLock lock(&mutex_);
  if (models_.emplace(name, std::move(shared)).second) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(absl::StrCat("two bundles are named \"", name,
                                               "\", expected different names"));
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> ModelRegistry::Find(
    absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  if (name.empty() && models_.size() == 1) return models_.begin()->second;
  const auto found = models_.find(name);
  if (found != models_.end()) return found->second;
  std::string expected;
  for (const auto& [known, model] : models_) {
    absl::StrAppend(&expected, expected.empty() ? "" : ", ", "\"", known, "\"");
  }
  const std::string asked =
      name.empty()
          ? "no model is named"
          : absl::StrCat("model \"", absl::CHexEscape(name.substr(0, 128)),
                         "\" is not served");
  return MakeError(Reason::kModelUnknown,
                   absl::StrCat(asked, ", expected one of ", expected));
}

std::vector<std::shared_ptr<const LoadedModel>> ModelRegistry::List() const {
  std::vector<std::shared_ptr<const LoadedModel>> models;
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, model] : models_) models.push_back(model);
  return models;
}

}  // namespace foresight
