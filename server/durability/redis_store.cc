#include "server/durability/redis_store.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/durability/sealed.h"
#include "server/support/clock.h"
#include "server/support/log.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// The number of changes that are sent before their replies are read.
constexpr size_t kBatch = 256;

// A session is kept this much longer than its idle timeout.
constexpr absl::Duration kSlack = absl::Minutes(1);

// KEYS: hash, list. ARGV: operation, epoch, incarnation, then
//   create, replace: next decision, expiry (ms), sealed session
//   append:          decision, decision + 1, sealed decision
// FENCED: another server has the session, or it is closed, or another session
// has the key. MISSING: the decision before this one is not there. A state is
// open, hollow (taken over, and not kept any more), closed or aside; the latter
// two stay until they expire, so that nobody brings them back.
constexpr char kCommit[] = R"(
local hash, list = KEYS[1], KEYS[2]
local op, epoch, incarnation = ARGV[1], ARGV[2], ARGV[3]
local kept = redis.call('HMGET', hash, 'epoch', 'incarnation', 'state', 'next',
                        'expiry')
local state = kept[3]
local over = state == 'closed' or state == 'aside'
local same = kept[2] == incarnation
if op == 'create' then
  if state and not over and not (same and kept[1] == epoch) then
    return 'FENCED'
  end
elseif state and ((over and same) or (not same and state == 'open') or
                  (same and tonumber(kept[1]) > tonumber(epoch))) then
  return 'FENCED'
end
local expiry = kept[5]
if op == 'create' or op == 'replace' then
  expiry = ARGV[5]
  redis.call('HSET', hash, 'epoch', epoch, 'incarnation', incarnation, 'state',
             'open', 'next', ARGV[4], 'expiry', expiry, 'session', ARGV[6])
  redis.call('DEL', list)
elseif op == 'append' then
  if state ~= 'open' or kept[4] ~= ARGV[4] then return 'MISSING' end
  redis.call('HSET', hash, 'epoch', epoch, 'next', ARGV[5])
  redis.call('RPUSH', list, ARGV[6])
elseif not state or not same then
  return 'OK'
elseif op == 'remove' then
  redis.call('HSET', hash, 'state', 'closed')
  redis.call('HDEL', hash, 'session')
  redis.call('DEL', list)
else
  redis.call('HSET', hash, 'state', 'aside')
end
redis.call('PEXPIRE', hash, expiry)
redis.call('PEXPIRE', list, expiry)
return 'OK'
)";

// KEYS: hash, list. ARGV: the epoch and incarnation that the server has, or two
// empty strings; 1 if a taken session is not to be kept, else 0.
constexpr char kTake[] = R"(
local hash, list = KEYS[1], KEYS[2]
local kept = redis.call('HMGET', hash, 'epoch', 'incarnation', 'state',
                        'expiry')
local state = kept[3]
if state ~= 'open' and state ~= 'hollow' then return {'NONE'} end
if kept[2] == ARGV[2] and tonumber(ARGV[1]) >= tonumber(kept[1]) then
  return {'OWN'}
end
if state == 'hollow' then return {'NONE'} end
local epoch = redis.call('HINCRBY', hash, 'epoch', 1)
local session = redis.call('HGET', hash, 'session')
local decisions = redis.call('LRANGE', list, 0, -1)
if ARGV[3] == '1' then
  redis.call('HSET', hash, 'state', 'hollow')
  redis.call('HDEL', hash, 'session')
  redis.call('DEL', list)
end
redis.call('PEXPIRE', hash, kept[4])
redis.call('PEXPIRE', list, kept[4])
return {'TAKEN', epoch, kept[2], session, decisions}
)";

absl::string_view Text(const redisReply& reply) {
  return {reply.str, static_cast<size_t>(reply.len)};
}

bool IsText(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS;
}

int64_t ExpiryOf(const v1::SavedSession& session) {
  return absl::ToInt64Milliseconds(
      absl::Seconds(session.idle_timeout().seconds()) +
      absl::Nanoseconds(session.idle_timeout().nanos()) + kSlack);
}

absl::Status Strange() {
  return absl::UnavailableError("the store's reply is not understood");
}

}  // namespace

RedisStore::RedisStore(RedisAddress address, Options options)
    : address_(std::move(address)), options_(options) {}

absl::Status RedisStore::Connect() {
  if (MonotonicNow() < try_again_) return failure_;
  auto connection = RedisConnection::Open(address_, options_.timeout);
  if (!connection.ok()) return connection.status();
  connection_ = *std::move(connection);
  ASSIGN_OR_RETURN(const auto scripts,
                   connection_->Run({{"SCRIPT", "LOAD", kCommit},
                                     {"SCRIPT", "LOAD", kTake}}));
  commit_ = std::string(Text(*scripts[0]));
  take_ = std::string(Text(*scripts[1]));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RedisConnection::Reply>> RedisStore::Run(
    absl::Span<const RedisCommand> commands) {
  absl::Status status;
  if (connection_ == nullptr) status = Connect();
  if (status.ok()) {
    auto replies = connection_->Run(commands);
    if (replies.ok()) return replies;
    status = replies.status();
  }
  connection_ = nullptr;
  if (MonotonicNow() < try_again_) return status;
  try_again_ = MonotonicNow() + options_.pause;
  failure_ = absl::Status(
      status.code(), absl::StrCat(address_.ToString(), ": ", status.message()));
  return failure_;
}

RedisCommand RedisStore::ToCommand(const StateChange& change) const {
  const KeptName& name = change.name;
  RedisCommand command = {"EVALSHA", commit_, "2",
                          absl::StrCat("foresight:session:", name.key),
                          absl::StrCat("foresight:decisions:", name.key)};
  const auto add = [&](auto... values) {
    (command.push_back(absl::StrCat(values)), ...);
  };
  switch (change.kind) {
    case StateChange::Kind::kCreate:
    case StateChange::Kind::kReplace:
      add(change.kind == StateChange::Kind::kCreate ? "create" : "replace",
          name.epoch, name.incarnation, change.session.next_decision(),
          ExpiryOf(change.session),
          Seal(kKeptSessionFormat, change.session.SerializeAsString()));
      break;
    case StateChange::Kind::kAppend: {
      const uint64_t decision = change.decision.answer().decision_index();
      add("append", name.epoch, name.incarnation, decision, decision + 1,
          Seal(kKeptDecisionFormat, change.decision.SerializeAsString()));
      break;
    }
    case StateChange::Kind::kRemove:
      add("remove", name.epoch, name.incarnation);
      break;
    case StateChange::Kind::kSetAside:
      LogError("state set aside",
               {{"store", address_.ToString()}, {"why", change.why}});
      add("aside", name.epoch, name.incarnation);
      break;
  }
  return command;
}

absl::StatusOr<Written> RedisStore::Write(
    absl::Span<const StateChange> changes) {
  Written written;
  // The names of the scripts are known only after connecting.
  if (changes.empty() || connection_ == nullptr) {
    RETURN_IF_ERROR(Run({{"PING"}}).status());
  }
  for (size_t done = 0; done < changes.size(); done += kBatch) {
    const auto batch = changes.subspan(done, kBatch);
    std::vector<RedisCommand> commands;
    for (const StateChange& change : batch) {
      commands.push_back(ToCommand(change));
    }
    ASSIGN_OR_RETURN(const auto replies, Run(commands));
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!IsText(*replies[i])) return Strange();
      if (Text(*replies[i]) == "FENCED")
        written.fenced.push_back(batch[i].name);
      if (Text(*replies[i]) == "MISSING") written.missing = true;
    }
  }
  return written;
}

absl::StatusOr<std::vector<KeptSession>> RedisStore::Load() {
  return std::vector<KeptSession>();
}

absl::StatusOr<std::optional<KeptSession>> RedisStore::TakeOver(
    const std::string& key, const KeptName* local) {
  if (connection_ == nullptr) RETURN_IF_ERROR(Run({{"PING"}}).status());
  ASSIGN_OR_RETURN(
      const auto replies,
      Run({{"EVALSHA", take_, "2", absl::StrCat("foresight:session:", key),
            absl::StrCat("foresight:decisions:", key),
            local == nullptr ? "" : absl::StrCat(local->epoch),
            local == nullptr ? "" : absl::StrCat(local->incarnation),
            options_.forget_taken ? "1" : "0"}}));
  const redisReply& reply = *replies[0];
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements < 1 ||
      !IsText(*reply.element[0])) {
    return Strange();
  }
  const absl::string_view kind = Text(*reply.element[0]);
  if (kind == "OWN") return std::optional<KeptSession>();
  if (kind == "NONE") return absl::NotFoundError("nothing is kept");
  auto parsed = Parse(key, reply);
  if (parsed.ok()) return std::optional<KeptSession>(*std::move(parsed));
  StateChange aside;
  aside.kind = StateChange::Kind::kSetAside;
  aside.why = std::string(parsed.status().message());
  aside.name.key = key;
  if (reply.elements == 5 && reply.element[1]->type == REDIS_REPLY_INTEGER &&
      IsText(*reply.element[2]) &&
      absl::SimpleAtoi(Text(*reply.element[2]), &aside.name.incarnation)) {
    aside.name.epoch = reply.element[1]->integer;
    RETURN_IF_ERROR(Write({aside}).status());
  }
  return parsed.status();
}

absl::StatusOr<KeptSession> RedisStore::Parse(const std::string& key,
                                              const redisReply& reply) {
  KeptSession kept;
  kept.name.key = key;
  if (reply.elements != 5 || reply.element[1]->type != REDIS_REPLY_INTEGER ||
      !IsText(*reply.element[2]) ||
      !absl::SimpleAtoi(Text(*reply.element[2]), &kept.name.incarnation) ||
      !IsText(*reply.element[3]) ||
      reply.element[4]->type != REDIS_REPLY_ARRAY) {
    return absl::DataLossError("its saved state is not one of foresight's");
  }
  kept.name.epoch = reply.element[1]->integer;
  const auto session = Unseal(kKeptSessionFormat, Text(*reply.element[3]));
  if (!session.ok() || !kept.session.ParseFromString(*session)) {
    return absl::DataLossError("its saved state is damaged");
  }
  // Restoring the session will add one to its epoch.
  kept.session.set_epoch(kept.name.epoch - 1);
  const redisReply& list = *reply.element[4];
  for (size_t i = 0; i < list.elements; ++i) {
    const auto bytes = Unseal(kKeptDecisionFormat, Text(*list.element[i]));
    v1::SavedDecision decision;
    if (!bytes.ok() || !decision.ParseFromString(*bytes)) {
      LogError("state damaged",
               {{"store", address_.ToString()}, {"decisions_kept", i}});
      break;
    }
    kept.decisions.push_back(std::move(decision));
  }
  return kept;
}

}  // namespace foresight
