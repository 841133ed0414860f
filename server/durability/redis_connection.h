// Commands to a Redis and their replies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/durability/redis_address.h"
#include "server/durability/redis_socket.h"

struct redisReader;
struct redisReply;

namespace foresight {

using RedisCommand = std::vector<std::string>;  // Name and arguments.

// Not thread-safe.
class RedisConnection {
 public:
  struct FreeReply {
    void operator()(redisReply* reply) const;
  };
  using Reply = std::unique_ptr<redisReply, FreeReply>;

  // Connects and logs in.
  // Errors:
  //   PermissionDenied: the password is wrong or missing.
  //   Unavailable:      it does not answer, or is not a Redis.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(
      const RedisAddress& address, absl::Duration timeout);
  ~RedisConnection();

  // Sends all of the commands, then reads their replies, in their order. Do not
  // use the connection after an error.
  // Errors: PermissionDenied; Unavailable: as RedisSocket, or a reply is an
  // error.
  absl::StatusOr<std::vector<Reply>> Run(
      absl::Span<const RedisCommand> commands);

 private:
  explicit RedisConnection(std::unique_ptr<RedisSocket> socket);
  absl::StatusOr<Reply> ReadReply();

  const std::unique_ptr<RedisSocket> socket_;
  redisReader* const reader_;
};

}  // namespace foresight
