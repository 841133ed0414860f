// The state of sessions in a Redis that several servers share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/durability/redis_address.h"
#include "server/durability/redis_connection.h"
#include "server/durability/state_store.h"

namespace foresight {

// A session is a hash (its last whole state, incarnation, epoch) and a list
// (the decisions since then). Each change is one Lua script, so that Redis
// itself refuses the writes of a server that has lost the session to another
// one. Both keys expire some time after the session would.
//
// Connects when it is first used, and again after an error.
//
// Not thread-safe.
class RedisStore : public StateStore, public SharedStore {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(1);  // The longest wait for a byte.
    // After an error, calls fail at once for this long.
    absl::Duration pause = absl::Milliseconds(500);
    // If true, sessions taken over are no longer kept: a server that is killed
    // loses them.
    bool forget_taken = false;
  };

  RedisStore(RedisAddress address, Options options);

  // Without changes it only asks whether the store answers.
  absl::StatusOr<Written> Write(absl::Span<const StateChange> changes) override;
  // Returns none: sessions are taken over one by one, when they are asked for.
  absl::StatusOr<std::vector<KeptSession>> Load() override;
  absl::StatusOr<std::optional<KeptSession>> TakeOver(
      const std::string& key, const KeptName* local) override;

 private:
  absl::StatusOr<std::vector<RedisConnection::Reply>> Run(
      absl::Span<const RedisCommand> commands);
  absl::Status Connect();
  absl::StatusOr<KeptSession> Parse(const std::string& key,
                                    const redisReply& reply);
  RedisCommand ToCommand(const StateChange& change) const;

  const RedisAddress address_;
  const Options options_;
  std::unique_ptr<RedisConnection> connection_;  // Null: none.
  std::string commit_, take_;                    // Names of the scripts.
  absl::Status failure_;                         // The last one.
  absl::Time try_again_ = absl::InfinitePast();
};

}  // namespace foresight
