#include "server/sessions/session_page.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "server/sessions/session_entry.h"
#include "server/sessions/session_store.h"

namespace foresight {
namespace {

// The sort key of a list; it does not change while a session is open.
std::tuple<absl::string_view, absl::string_view> Rank(
    const SessionState& session) {
  return {session.id, session.identity};
}

}  // namespace

SessionPage SessionStore::List(const std::optional<SessionPosition>& after,
                               size_t most, absl::Time now) const {
  std::vector<std::shared_ptr<Entry>> found;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, entry] : entries_) {
      if (entry->opened && !Expired(*entry, now)) found.push_back(entry);
    }
  }
  if (after) {
    const std::tuple<absl::string_view, absl::string_view> last = {
        after->id, after->identity};
    found.erase(std::remove_if(found.begin(), found.end(),
                               [&last](const auto& entry) {
                                 return Rank(entry->session) <= last;
                               }),
                found.end());
  }
  const size_t count = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + count, found.end(),
                    [](const auto& a, const auto& b) {
                      return Rank(a->session) < Rank(b->session);
                    });
  SessionPage page;
  if (count > 0 && count < found.size()) {
    const SessionState& last = found[count - 1]->session;
    page.next = SessionPosition{last.id, last.identity};
  }
  found.resize(count);
  absl::MutexLock lock(&mutex_);
  for (const auto& entry : found) {
    if (entry->closed) continue;
    const SessionState& session = entry->session;
    const absl::Duration idle =
        entry->flight ? absl::ZeroDuration()
                      : std::max(now - entry->last_used, absl::ZeroDuration());
    page.sessions.push_back({session.id, session.identity, session.model,
                             session.next_decision, session.opened, idle,
                             session.last_answer});
  }
  return page;
}

std::vector<std::shared_ptr<const LoadedModel>> SessionStore::Models() const {
  std::vector<std::shared_ptr<const LoadedModel>> models;
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, entry] : entries_) {
    if (entry->opened) models.push_back(entry->session.model);
  }
  return models;
}

}  // namespace foresight
