// Chooses the engine that computes for a bundle.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"
#include "server/engine_choice.h"

namespace foresight {

// Errors:
//   Unavailable:     the engine, device or precision is missing on this
//                    machine; the message names it and says "unavailable".
//   Unimplemented:   the engine cannot compute this bundle (fused_engine.h).
//   InvalidArgument: FORESIGHT_CPU_VARIANT names no variant.
using EngineFactory =
    std::function<absl::StatusOr<std::shared_ptr<const Engine>>(
        std::shared_ptr<const Bundle>)>;

EngineFactory MakeEngineFactory(const EngineChoice& choice);

}  // namespace foresight
