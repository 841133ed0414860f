#include "server/engine_factory.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/adaptation/autograd/autograd_engine.h"
#include "server/adaptation/fused/fused_engine.h"

namespace foresight {
namespace {

using EngineOr = absl::StatusOr<std::shared_ptr<const Engine>>;

absl::Status Unavailable(const EngineChoice& choice, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(
      "unavailable: engine ", NameOf(choice.kind), " on device ", choice.device,
      " with precision ", NameOf(choice.precision), ": ", why));
}

EngineOr MakeFused(const EngineChoice& choice,
                   std::shared_ptr<const Bundle> bundle) {
  if (choice.device != "cpu") {
    return Unavailable(choice, "the fused engine computes on cpu");
  }
  FusedEngine::Options options;
  options.precision = choice.precision;
  auto engine = FusedEngine::Create(std::move(bundle), options);
  if (absl::IsUnavailable(engine.status())) {
    return Unavailable(choice, engine.status().message());
  }
  if (!engine.ok()) return engine.status();
  return std::shared_ptr<const Engine>(*std::move(engine));
}

EngineOr MakeAutograd(const EngineChoice& choice, const Bundle& bundle) {
  if (choice.precision != fused::Precision::kFloat32) {
    return Unavailable(choice, "the autograd engine computes in float32");
  }
  AutogradEngine::Options options;
  options.device = choice.device;
  auto engine = AutogradEngine::Create(bundle, options);
  if (absl::IsUnavailable(engine.status())) {
    return Unavailable(choice, engine.status().message());
  }
  if (!engine.ok()) return engine.status();
  return std::shared_ptr<const Engine>(*std::move(engine));
}

}  // namespace

EngineFactory MakeEngineFactory(const EngineChoice& choice) {
  return [choice](std::shared_ptr<const Bundle> bundle) -> EngineOr {
    const bool automatic =
        choice.kind == EngineKind::kAuto && choice.device == "cpu";
    if (choice.kind != EngineKind::kFused && !automatic) {
      return MakeAutograd(choice, *bundle);
    }
    EngineOr engine = MakeFused(choice, bundle);
    const bool another = automatic &&
                         choice.precision == fused::Precision::kFloat32 &&
                         absl::IsUnimplemented(engine.status());
    return another ? MakeAutograd(choice, *bundle) : engine;
  };
}

}  // namespace foresight
