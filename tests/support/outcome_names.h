// Gives outcomes the names of adaptation.proto, also in test messages.
#pragma once

#include <ostream>
#include <string>

#include "server/adaptation/engine.h"

namespace foresight {

inline std::string OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNonFinite:
      return "NON_FINITE";
    case Outcome::kRejected:
      return "REJECTED";
    case Outcome::kTruncated:
      return "TRUNCATED";
    case Outcome::kFrozen:
      return "FROZEN";
    case Outcome::kLimited:
      return "LIMITED";
    case Outcome::kAdapted:
      return "ADAPTED";
  }
  return "?";
}

inline void PrintTo(Outcome outcome, std::ostream* out) {
  *out << OutcomeName(outcome);
}

}  // namespace foresight
