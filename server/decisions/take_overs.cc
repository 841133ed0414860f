#include "server/decisions/take_overs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/decisions/session_keeper.h"
#include "server/support/error.h"
#include "server/support/log.h"

namespace foresight {
namespace {

constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

absl::Status Unknown(absl::string_view id) {
  return MakeError(Reason::kSessionUnknown,
                   absl::StrCat("session \"", id.substr(0, 128),
                                "\" is neither here nor in the store: never "
                                "opened, closed, expired or lost"));
}

}  // namespace

TakeOvers::TakeOvers(Options options, Parts parts)
    : options_(options), parts_(std::move(parts)) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Serve(); });
  }
}

void TakeOvers::Start(const SessionName& name, uint64_t known_epoch,
                      Done done) {
  absl::Status refused;
  {
    absl::MutexLock lock(&mutex_);
    const std::string key = KeyOf(name);
    const auto task = tasks_.find(key);
    if (stopping_) {
      refused = DrainingError();
    } else if (task != tasks_.end()) {
      task->second.known_epoch =
          std::max(task->second.known_epoch, known_epoch);
      task->second.waiting.push_back(std::move(done));
      return;
    } else if (tasks_.size() >= options_.max_waiting) {
      refused = MakeError(Reason::kSessionMoved,
                          absl::StrCat(tasks_.size(),
                                       " sessions are being taken over, "
                                       "expected fewer"),
                          kRetryAfter);
    } else {
      tasks_[key] = {std::string(name.identity),
                     std::string(name.id),
                     known_epoch,
                     {std::move(done)}};
      queue_.push_back(key);
      return;
    }
  }
  done(refused);
}

void TakeOvers::Serve() {
  const std::unique_ptr<SharedStore> store = parts_.open_store();
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto due = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return stopping_ || !queue_.empty();
      };
      mutex_.Await(absl::Condition(&due));
      if (stopping_) return;
    }
    TakeNext(*store);
  }
}

bool TakeOvers::TakeNext(SharedStore& store) {
  std::string key;
  Task task;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_ || queue_.empty()) return false;
    key = std::move(queue_.front());
    queue_.pop_front();
    const Task& waiting = tasks_[key];
    task = {waiting.identity, waiting.id, waiting.known_epoch, {}};
  }
  const absl::Status status = Take(task, store);
  {
    absl::MutexLock lock(&mutex_);
    const auto done = tasks_.find(key);
    task.waiting = std::move(done->second.waiting);
    tasks_.erase(done);
  }
  for (const Done& done : task.waiting) done(status);
  return true;
}

absl::Status TakeOvers::Take(const Task& task, SharedStore& store) const {
  const SessionName name(task.identity, task.id);
  const auto mark = parts_.sessions->Find(name);
  KeptName local;
  if (mark) local = {KeyOf(name), mark->incarnation, mark->epoch};
  // The caller knows of no newer state of the session.
  const bool current = mark && mark->epoch >= task.known_epoch;
  const auto taken = store.TakeOver(KeyOf(name), mark ? &local : nullptr);
  if (taken.ok() && !taken->has_value()) return absl::OkStatus();
  if (!taken.ok() && current) return absl::OkStatus();
  if (absl::IsUnavailable(taken.status()) ||
      absl::IsPermissionDenied(taken.status())) {
    return MakeError(Reason::kStoreUnavailable,
                     "the store that may have the session does not answer",
                     kRetryAfter);
  }
  if (mark && parts_.sessions->Drop(name, mark->incarnation, mark->epoch)) {
    parts_.lost(name);
  }
  if (!taken.ok()) return Unknown(task.id);
  return parts_.resume(**taken);
}

void TakeOvers::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  absl::flat_hash_map<std::string, Task> left;
  {
    absl::MutexLock lock(&mutex_);
    left.swap(tasks_);
    queue_.clear();
  }
  for (const auto& [key, task] : left) {
    for (const Done& done : task.waiting) done(DrainingError());
  }
}

}  // namespace foresight
