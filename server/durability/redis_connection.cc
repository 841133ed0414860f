#include "server/durability/redis_connection.h"

#include <hiredis/hiredis.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

void AppendCommand(const RedisCommand& command, std::string& bytes) {
  absl::StrAppend(&bytes, "*", command.size(), "\r\n");
  for (const std::string& part : command) {
    absl::StrAppend(&bytes, "$", part.size(), "\r\n", part, "\r\n");
  }
}

absl::Status ToStatus(absl::string_view error) {
  for (const char* prefix :
       {"NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password"}) {
    if (absl::StartsWith(error, prefix)) {
      return absl::PermissionDeniedError(error);
    }
  }
  return absl::UnavailableError(error);
}

}  // namespace

void RedisConnection::FreeReply::operator()(redisReply* reply) const {
  freeReplyObject(reply);
}

RedisConnection::RedisConnection(std::unique_ptr<RedisSocket> socket)
    : socket_(std::move(socket)), reader_(redisReaderCreate()) {}

RedisConnection::~RedisConnection() { redisReaderFree(reader_); }

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(
    const RedisAddress& address, absl::Duration timeout) {
  ASSIGN_OR_RETURN(auto socket, RedisSocket::Connect(address, timeout));
  std::unique_ptr<RedisConnection> connection(
      new RedisConnection(std::move(socket)));
  if (!address.password.empty()) {
    RedisCommand login = {"AUTH"};
    if (!address.user.empty()) login.push_back(address.user);
    login.push_back(address.password);
    RETURN_IF_ERROR(connection->Run({login}).status());
  }
  return connection;
}

absl::StatusOr<std::vector<RedisConnection::Reply>> RedisConnection::Run(
    absl::Span<const RedisCommand> commands) {
  std::string bytes;
  for (const RedisCommand& command : commands) AppendCommand(command, bytes);
  RETURN_IF_ERROR(socket_->Send(bytes));
  std::vector<Reply> replies;
  while (replies.size() < commands.size()) {
    ASSIGN_OR_RETURN(Reply reply, ReadReply());
    if (reply->type == REDIS_REPLY_ERROR) {
      return ToStatus({reply->str, static_cast<size_t>(reply->len)});
    }
    replies.push_back(std::move(reply));
  }
  return replies;
}

absl::StatusOr<RedisConnection::Reply> RedisConnection::ReadReply() {
  while (true) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_, &reply) != REDIS_OK) {
      return absl::UnavailableError(
          absl::StrCat("it does not answer like a Redis: ", reader_->errstr));
    }
    if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
    ASSIGN_OR_RETURN(const std::string bytes, socket_->Receive());
    redisReaderFeed(reader_, bytes.data(), bytes.size());
  }
}

}  // namespace foresight
