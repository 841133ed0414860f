#include "server/durability/journal.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/support/clock.h"
#include "server/support/log.h"

namespace foresight {
namespace {

size_t SizeOf(const StateChange& change) {
  return change.name.key.size() + change.session.ByteSizeLong() +
         change.decision.ByteSizeLong();
}

}  // namespace

Journal::Journal(Options options, std::unique_ptr<StateStore> store)
    : options_(std::move(options)),
      store_(std::move(store)),
      durability_(options_.durability),
      writer_([this] { Serve(); }),
      watcher_([this] { Watch(); }) {}

Journal::~Journal() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  due_.Set();
  writer_.join();
  watched_.Set();
  watcher_.join();
}

void Journal::Create(KeptName name, v1::SavedSession session) {
  Add({StateChange::Kind::kCreate,
       std::move(name),
       std::move(session),
       {},
       {}});
}

void Journal::Replace(KeptName name, v1::SavedSession session) {
  Add({StateChange::Kind::kReplace,
       std::move(name),
       std::move(session),
       {},
       {}});
}

void Journal::Append(KeptName name, v1::SavedDecision decision) {
  Add({StateChange::Kind::kAppend,
       std::move(name),
       {},
       std::move(decision),
       {}});
}

void Journal::Remove(KeptName name) {
  Add({StateChange::Kind::kRemove, std::move(name), {}, {}, {}});
}

void Journal::SetAside(KeptName name, std::string why) {
  Add({StateChange::Kind::kSetAside, std::move(name), {}, {}, std::move(why)});
}

void Journal::Add(StateChange change) {
  const size_t bytes = SizeOf(change);
  absl::MutexLock lock(&mutex_);
  if (failing_ || bytes_ + bytes > options_.max_bytes) return Lose(1);
  changes_.push_back(std::move(change));
  bytes_ += bytes;
}

bool Journal::HasRoom(const KeptName& name, const v1::SavedSession& session) {
  const size_t bytes = name.key.size() + session.ByteSizeLong();
  absl::MutexLock lock(&mutex_);
  return bytes_ + bytes <= options_.max_bytes;
}

void Journal::Lose(size_t changes) {
  lost_changes_ += changes;
  ++generation_;
}

void Journal::WhenKept(std::function<void()> done) {
  durability() == Durability::kEach ? WhenWritten(std::move(done)) : done();
}

void Journal::WhenWritten(std::function<void()> done) {
  bool wake_watcher;
  {
    absl::MutexLock lock(&mutex_);
    if (available() && !ending_) {
      waiting_.push_back({MonotonicNow(), std::move(done)});
      done = nullptr;
    }
    wake_watcher = watch_idle_;
  }
  if (done != nullptr) return done();
  due_.Set();
  if (wake_watcher) watched_.Set();
}

absl::Status Journal::Flush() {
  uint64_t mine;
  {
    absl::MutexLock lock(&mutex_);
    mine = ++flushes_asked_;
  }
  due_.Set();
  absl::MutexLock lock(&mutex_);
  const auto flushed = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return flushes_done_ >= mine;
  };
  mutex_.Await(absl::Condition(&flushed));
  return last_write_;
}

void Journal::Serve() {
  bool ending = false;
  if (options_.probe) (void)WriteNow({});
  while (!ending) {
    due_.WaitFor(failing_ ? options_.retry : options_.interval);
    due_.Clear();
    std::vector<StateChange> changes;
    uint64_t flushes;
    {
      absl::MutexLock lock(&mutex_);
      changes.swap(changes_);
      writing_.swap(waiting_);  // writing_ was empty.
      bytes_ = 0;
      flushes = flushes_asked_;
      ending = ending_;
    }
    const absl::Status written = WriteNow(changes);
    std::vector<Waiter> told;
    {
      absl::MutexLock lock(&mutex_);
      told.swap(writing_);
    }
    Tell(told);
    absl::MutexLock lock(&mutex_);
    flushes_done_ = flushes;
    last_write_ = written;
  }
}

void Journal::Tell(const std::vector<Waiter>& told) {
  for (const Waiter& waiter : told) {
    // Read the clock for each: its wait includes the callbacks before its own.
    const absl::Time now = MonotonicNow();
    keep_times_.Learn(now - waiter.since, now);
    waiter.done();
  }
  if (told.empty()) return;
  expected_wait_ns_ = absl::ToInt64Nanoseconds(
      std::min(keep_times_.Expect(), options_.store_timeout));
}

absl::Status Journal::WriteNow(const std::vector<StateChange>& changes) {
  // After a failure, try the store even without changes.
  if (changes.empty() && !failing_ && !options_.probe) return absl::OkStatus();
  const absl::StatusOr<Written> written = store_->Write(changes);
  if (!written.ok()) {
    Lose(changes.size());
    // failing_ is set first, so that available() is never true in between.
    if (available()) Note(false, written.status().message());
    failing_ = true;
    hanging_ = false;
    return written.status();
  }
  if (options_.fenced) {
    for (const KeptName& name : written->fenced) options_.fenced(name);
  }
  if (written->missing) {
    Lose(1);
    LogWarning("the store has lost decisions, sessions are kept anew");
  }
  const bool worked = available();
  {
    // Under the lock, or the watcher could end a wait that has just begun.
    absl::MutexLock lock(&mutex_);
    failing_ = false;
    hanging_ = false;
  }
  if (!worked) Note(true, "");
  return absl::OkStatus();
}

void Journal::Note(bool works, absl::string_view why) {
  if (works) return LogInfo("state is kept again");
  ++failures_;
  LogError("state is not kept", {{"error", why}});
}

void Journal::Watch() {
  while (true) {
    std::vector<Waiter> late;
    absl::Duration pause = absl::Hours(1);
    {
      absl::MutexLock lock(&mutex_);
      if (ending_ && writing_.empty() && waiting_.empty()) return;
      const std::vector<Waiter>& oldest =
          writing_.empty() ? waiting_ : writing_;
      watch_idle_ = oldest.empty();
      if (!oldest.empty()) {
        pause = oldest.front().since + options_.store_timeout - MonotonicNow();
      }
      if (pause <= absl::ZeroDuration()) {
        hanging_ = true;
        late.swap(writing_);
        std::move(waiting_.begin(), waiting_.end(), std::back_inserter(late));
        waiting_.clear();
      }
    }
    if (!late.empty()) {
      Note(false, absl::StrCat("the store has not answered within ",
                               absl::FormatDuration(options_.store_timeout)));
      for (const Waiter& waiter : late) waiter.done();
      continue;
    }
    watched_.WaitFor(pause);
    watched_.Clear();
  }
}

}  // namespace foresight
