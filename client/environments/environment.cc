#include "client/environments/environment.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/environments/default_assets.h"
#include "client/environments/half_cheetah.h"
#include "client/environments/hopper.h"
#include "client/environments/walker2d.h"

namespace foresight {
namespace {

using Maker = absl::StatusOr<std::unique_ptr<Environment>> (*)(
    const std::filesystem::path& assets);

struct Entry {
  const char* name;
  Maker make;
};

constexpr Entry kEnvironments[] = {
    {"HalfCheetah-v4", &MakeHalfCheetah},
    {"Hopper-v4", &MakeHopper},
    {"Walker2d-v4", &MakeWalker2d},
};

std::filesystem::path AssetsFolder(const std::string& given) {
  if (!given.empty()) return given;
  const char* variable = std::getenv("FORESIGHT_ASSETS");
  if (variable != nullptr && *variable != '\0') return variable;
  return DefaultAssets(RunningProgram());
}

}  // namespace

double NormalisedScore(const EnvironmentSpec& spec, double episode_return) {
  return 100 * (episode_return - spec.random_return) /
         (spec.expert_return - spec.random_return);
}

std::vector<std::string> EnvironmentNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kEnvironments) names.push_back(entry.name);
  return names;
}

absl::StatusOr<std::unique_ptr<Environment>> MakeEnvironment(
    const std::string& name, const std::string& assets) {
  for (const Entry& entry : kEnvironments) {
    if (name == entry.name) return entry.make(AssetsFolder(assets));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no environment \"", name,
                   "\"; known: ", absl::StrJoin(EnvironmentNames(), ", ")));
}

}  // namespace foresight
