#include "client/load/sessions.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/error_conversion.h"
#include "client/load/transport.h"

namespace foresight {
namespace {

constexpr int kAtOnce = 16;

// Calls `work` with 0 ... count - 1, several at a time.
void ForEach(int count, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::min(count, kAtOnce); ++i) {
    threads.emplace_back([&] {
      for (int index = next++; index < count; index = next++) work(index);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Keeps the first error and counts successes.
class Outcome {
 public:
  bool failed() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return !error_.ok();
  }
  void Add(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (status.ok()) ++opened_;
    if (error_.ok()) error_ = status;
  }
  // Says how many sessions were opened before the error.
  absl::Status Describe(int count) const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (error_.ok()) return error_;
    return WithMessage(
        error_, absl::StrCat("the server refused a session after opening ",
                             opened_, " of ", count, ": ", error_.message(),
                             " [", ReasonOf(error_), "]"));
  }

 private:
  mutable absl::Mutex mutex_;
  int opened_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<LoadSessions> LoadSessions::Open(const AdaptationClient& client,
                                                const SessionOptions& options,
                                                int count,
                                                Cancellation& cancellation) {
  std::vector<std::optional<RemoteSession>> opened(count);
  Outcome outcome;
  ForEach(count, [&](int index) {
    if (outcome.failed() || cancellation.cancelled()) return;
    SessionOptions mine = options;
    mine.seed = options.seed.value_or(0) + static_cast<uint64_t>(index);
    // The call itself is never cancelled: that could leave a session behind.
    auto session = client.OpenSession(mine);
    outcome.Add(session.status());
    if (session.ok()) opened[index] = *std::move(session);
  });
  std::vector<RemoteSession> sessions;
  for (std::optional<RemoteSession>& session : opened) {
    if (session.has_value()) sessions.push_back(*std::move(session));
  }
  LoadSessions result(std::move(sessions));
  if (cancellation.cancelled()) return absl::CancelledError("interrupted");
  if (absl::Status status = outcome.Describe(count); !status.ok()) {
    return status;
  }
  return result;
}

LoadSessions::~LoadSessions() {
  ForEach(static_cast<int>(sessions_.size()), [this](int index) {
    const RemoteSession closing = std::move(sessions_[index]);
  });
}

std::vector<std::string> LoadSessions::ids() const {
  std::vector<std::string> ids;
  for (const RemoteSession& session : sessions_) ids.push_back(session.id());
  return ids;
}

}  // namespace foresight
