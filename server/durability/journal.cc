#include "server/durability/journal.h"

#include "server/support/log.h"

namespace foresight {
namespace {

size_t SizeOf(const StateChange& change) {
  return change.name.key.size() + change.session.ByteSizeLong() +
         change.decision.ByteSizeLong();
}

}  // namespace

Journal::Journal(Options options, std::unique_ptr<StateStore> store)
    : options_(options),
      store_(std::move(store)),
      thread_([this] { Serve(); }) {}

Journal::~Journal() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
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
  if (!available_ || bytes_ + bytes > options_.max_bytes) return Lose(1);
  changes_.push_back(std::move(change));
  bytes_ += bytes;
}

void Journal::Lose(size_t changes) {
  lost_changes_ += changes;
  ++generation_;
}

void Journal::WhenKept(std::function<void()> done) {
  if (options_.durability == Durability::kEach) {
    absl::MutexLock lock(&mutex_);
    if (available_ && !ending_) {
      waiting_.push_back(std::move(done));
      return;
    }
  }
  done();
}

absl::Status Journal::Flush() {
  absl::MutexLock lock(&mutex_);
  const uint64_t mine = ++flushes_asked_;
  const auto flushed = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return flushes_done_ >= mine;
  };
  mutex_.Await(absl::Condition(&flushed));
  return last_write_;
}

bool Journal::Due() const {
  return ending_ || !waiting_.empty() || flushes_asked_ > flushes_done_;
}

void Journal::Serve() {
  bool ending = false;
  while (!ending) {
    std::vector<StateChange> changes;
    std::vector<std::function<void()>> waiting;
    uint64_t flushes;
    {
      absl::MutexLock lock(&mutex_);
      const auto due = [this]()
                           ABSL_NO_THREAD_SAFETY_ANALYSIS { return Due(); };
      mutex_.AwaitWithTimeout(absl::Condition(&due),
                              available_ ? options_.interval : options_.retry);
      changes.swap(changes_);
      waiting.swap(waiting_);
      bytes_ = 0;
      flushes = flushes_asked_;
      ending = ending_;
    }
    // Without changes it is tried all the same after a failure.
    absl::Status written;
    if (!changes.empty() || !available_) written = store_->Write(changes);
    if (written.ok() != available_) {
      written.ok()
          ? LogInfo("state is kept again")
          : LogError("state is not kept", {{"error", written.message()}});
    }
    if (!written.ok()) Lose(changes.size());
    available_ = written.ok();
    for (const auto& done : waiting) done();
    absl::MutexLock lock(&mutex_);
    flushes_done_ = flushes;
    last_write_ = written;
  }
}

}  // namespace foresight
