// Which engine computes for a bundle.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"

namespace foresight {

// Errors:
//   Unavailable:     the engine, device or precision is not to be had on this
//                    machine; the message names it and says "unavailable".
//   Unimplemented:   the engine cannot compute this bundle (fused_engine.h).
//   InvalidArgument: FORESIGHT_CPU_VARIANT names no variant.
using EngineFactory =
    std::function<absl::StatusOr<std::shared_ptr<const Engine>>(
        std::shared_ptr<const Bundle>)>;

struct EngineChoice {
  std::string engine = "auto";        // Or "fused", "autograd".
  std::string device = "cpu";         // Or "cuda:N".
  std::string precision = "float32";  // Or "bf16".
};

// "auto" is fused on a CPU, and autograd elsewhere and for a bundle that the
// fused engine does not implement.
EngineFactory MakeEngineFactory(const EngineChoice& choice);

}  // namespace foresight
