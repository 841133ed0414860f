// Where a Redis is, and how to speak to it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

struct RedisAddress {
  std::string host;
  std::string port;
  std::string user;      // Empty: the default one.
  std::string password;  // Empty: none is sent.
  bool tls = false;
  std::string ca_file;  // PEM; empty: the system's CAs. Only with tls.

  // For logs: without the password.
  std::string ToString() const;
};

// From redis://[[USER]:PASSWORD@]HOST[:PORT], or rediss:// for TLS. USER and
// PASSWORD may hold %XX; an IPv6 HOST is in brackets; PORT is 6379 by default.
// Errors: InvalidArgument, which does not show the password.
absl::StatusOr<RedisAddress> ParseRedisAddress(absl::string_view uri);

}  // namespace foresight
