// Bytes to and from a Redis, over TCP or TLS.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/durability/redis_address.h"

namespace foresight {

// Waits follow the monotonic clock. A peer that has gone is an error, never a
// signal. Errors: Unavailable: the peer cannot be reached, has gone or shows an
// invalid certificate, or no byte moved within the timeout.
//
// Not thread-safe.
class RedisSocket {
 public:
  // `timeout` limits the attempt at each IP address of the host, and later each
  // wait.
  static absl::StatusOr<std::unique_ptr<RedisSocket>> Connect(
      const RedisAddress& address, absl::Duration timeout);
  ~RedisSocket();
  RedisSocket(const RedisSocket&) = delete;
  RedisSocket& operator=(const RedisSocket&) = delete;

  absl::Status Send(absl::string_view bytes);
  // Returns at least one byte.
  absl::StatusOr<std::string> Receive();

 private:
  struct Tls;

  RedisSocket(int file, absl::Duration timeout);
  absl::Status BeginTls(const RedisAddress& address);
  absl::Status SendPlain(absl::string_view bytes);
  absl::StatusOr<std::string> ReceivePlain();
  // Sends what TLS has to send.
  absl::Status Flush();
  // Receives bytes for a TLS call that has to read before it can go on.
  absl::Status Feed();

  const int file_;
  const absl::Duration timeout_;
  std::unique_ptr<Tls> tls_;  // Null: plain text.
};

}  // namespace foresight
