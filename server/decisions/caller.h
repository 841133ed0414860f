// The sender of a request.
#pragma once

#include <string>

namespace foresight {

struct Caller {
  std::string identity;    // Authenticated; empty if callers need no identity.
  std::string connection;  // "ipv4:127.0.0.1:41234"; empty: not known.

  // Limits and shares count against the owner. If one caller has an identity,
  // all have one, so identities and connections never mix.
  const std::string& owner() const {
    return identity.empty() ? connection : identity;
  }
};

}  // namespace foresight
