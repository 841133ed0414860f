// Who sent a request.
#pragma once

#include <string>

namespace foresight {

struct Caller {
  std::string identity;    // Authenticated; empty where nobody need be.
  std::string connection;  // "ipv4:127.0.0.1:41234"; empty: not known.

  // Whom limits and shares count against. Where one caller has an identity,
  // all have one, so identities and connections never meet.
  const std::string& owner() const {
    return identity.empty() ? connection : identity;
  }
};

}  // namespace foresight
