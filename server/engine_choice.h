// The engine that an operator asks for.
#pragma once

#include <string>

#include "server/adaptation/fused/variants.h"

namespace foresight {

enum class EngineKind { kAuto, kFused, kAutograd };

// Their names on the command line.
inline const char* NameOf(EngineKind kind) {
  switch (kind) {
    case EngineKind::kAuto:
      return "auto";
    case EngineKind::kFused:
      return "fused";
    case EngineKind::kAutograd:
      break;
  }
  return "autograd";
}
inline const char* NameOf(fused::Precision precision) {
  return precision == fused::Precision::kFloat32 ? "float32" : "bf16";
}

struct EngineChoice {
  // kAuto is fused on a CPU; on another device, or for a bundle that the fused
  // engine does not implement, it is autograd.
  EngineKind kind = EngineKind::kAuto;
  std::string device = "cpu";  // Or "cuda:N".
  fused::Precision precision = fused::Precision::kFloat32;
};

}  // namespace foresight
