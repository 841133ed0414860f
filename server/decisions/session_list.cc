#include "server/decisions/session_list.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/decisions/durations.h"
#include "server/registry/loaded_model.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr uint32_t kDefaultPage = 100;
constexpr uint32_t kLargestPage = 1000;

// Neither an id nor an identity holds a newline.
std::string TokenOf(const SessionPosition& position) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(position.id, "\n", position.identity));
}

absl::StatusOr<std::optional<SessionPosition>> PositionOf(
    const std::string& token) {
  if (token.empty()) return std::nullopt;
  std::string text;
  const bool decoded = absl::WebSafeBase64Unescape(token, &text);
  const size_t end = text.find('\n');
  if (!decoded || end == std::string::npos) {
    return MakeError(Reason::kSettingsInvalid,
                     "page_token is not one of this server's, expected "
                     "next_page_token of an earlier answer");
  }
  return SessionPosition{text.substr(0, end), text.substr(end + 1)};
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp proto;
  const timespec parts = absl::ToTimespec(time);
  proto.set_seconds(parts.tv_sec);
  proto.set_nanos(static_cast<int32_t>(parts.tv_nsec));
  return proto;
}

}  // namespace

absl::StatusOr<v1::ListSessionsResponse> ListSessions(
    const v1::ListSessionsRequest& request, const SessionStore& store,
    absl::Time now) {
  if (request.page_size() > kLargestPage) {
    return MakeError(Reason::kSettingsInvalid,
                     absl::StrCat("page_size is ", request.page_size(),
                                  ", expected at most ", kLargestPage));
  }
  ASSIGN_OR_RETURN(const std::optional<SessionPosition> after,
                   PositionOf(request.page_token()));
  const SessionPage page = store.List(
      after, request.page_size() == 0 ? kDefaultPage : request.page_size(),
      now);
  v1::ListSessionsResponse response;
  for (const ListedSession& session : page.sessions) {
    v1::SessionSummary& summary = *response.add_sessions();
    summary.set_session_id(session.id);
    summary.set_owner(session.identity);
    summary.set_model(session.model->name());
    summary.set_weights_sha256(
        session.model->bundle->manifest().weights_sha256());
    summary.set_next_decision(session.next_decision);
    *summary.mutable_opened() = ToTimestamp(session.opened);
    *summary.mutable_idle() = ToProto(session.idle);
    if (session.last_answer != nullptr) {
      *summary.mutable_last_report() = session.last_answer->report();
    }
  }
  if (page.next) response.set_next_page_token(TokenOf(*page.next));
  return response;
}

}  // namespace foresight
