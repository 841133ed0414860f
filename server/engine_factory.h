// Which engine computes for a bundle.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"

namespace foresight {

// Errors: Unavailable: the engine or device is not to be had on this machine,
// or not for this bundle; the message names it and says "unavailable".
using EngineFactory =
    std::function<absl::StatusOr<std::shared_ptr<const Engine>>(
        std::shared_ptr<const Bundle>)>;

// `engine` is "auto" (the fastest for the bundle), "fused" or "autograd";
// `device` is "cpu" or "cuda:N".
EngineFactory MakeEngineFactory(const std::string& engine,
                                const std::string& device);

}  // namespace foresight
