#include "server/engine_factory.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/adaptation/fused/fused_engine.h"

namespace foresight {
namespace {

absl::StatusOr<std::shared_ptr<const Engine>> MakeEngine(
    const std::string& engine, const std::string& device,
    std::shared_ptr<const Bundle> bundle) {
  if (device == "cpu" && engine != "autograd") {
    auto fused = FusedEngine::Create(std::move(bundle), {});
    if (!fused.ok()) return fused.status();
    return std::shared_ptr<const Engine>(*std::move(fused));
  }
  return absl::UnavailableError(
      absl::StrCat("engine ", engine, " is unavailable on device ", device));
}

}  // namespace

EngineFactory MakeEngineFactory(const std::string& engine,
                                const std::string& device) {
  return [engine, device](std::shared_ptr<const Bundle> bundle) {
    return MakeEngine(engine, device, std::move(bundle));
  };
}

}  // namespace foresight
