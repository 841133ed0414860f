#include "server/durability/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/support/clock.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Longer than anything here takes: only a hang reaches it.
constexpr absl::Duration kPatience = absl::Seconds(30);

// The changes given to a FakeStore, and whether it works.
struct Medium {
  absl::Mutex mutex;
  std::vector<std::string> written ABSL_GUARDED_BY(mutex);
  bool fails ABSL_GUARDED_BY(mutex) = false;
  bool hangs ABSL_GUARDED_BY(mutex) = false;
  bool missing ABSL_GUARDED_BY(mutex) = false;
  std::vector<KeptName> fenced ABSL_GUARDED_BY(mutex);

  void SetHangs(bool value) {
    absl::MutexLock lock(&mutex);
    hangs = value;
  }
  void SetFails(bool value) {
    absl::MutexLock lock(&mutex);
    fails = value;
  }
  std::vector<std::string> Written() {
    absl::MutexLock lock(&mutex);
    return written;
  }
};

const char* NameOf(StateChange::Kind kind) {
  switch (kind) {
    case StateChange::Kind::kCreate:
      return " created";
    case StateChange::Kind::kReplace:
      return " replaced";
    case StateChange::Kind::kAppend:
      return " appended";
    case StateChange::Kind::kRemove:
      return " removed";
    case StateChange::Kind::kSetAside:
      break;
  }
  return " set aside";
}

class FakeStore : public StateStore {
 public:
  explicit FakeStore(Medium* medium) : medium_(medium) {}
  absl::StatusOr<Written> Write(
      absl::Span<const StateChange> changes) override {
    absl::MutexLock lock(&medium_->mutex);
    const auto answers = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return !medium_->hangs;
    };
    medium_->mutex.Await(absl::Condition(&answers));
    if (medium_->fails) return absl::UnavailableError("full");
    for (const StateChange& change : changes) {
      medium_->written.push_back(
          absl::StrCat(change.name.key, NameOf(change.kind)));
    }
    return Written{std::exchange(medium_->fenced, {}),
                   std::exchange(medium_->missing, false)};
  }
  absl::StatusOr<std::vector<KeptSession>> Load() override {
    return std::vector<KeptSession>();
  }

 private:
  Medium* const medium_;
};

class JournalTest : public ::testing::Test {
 protected:
  // Starts a journal that waits for the store for `store_timeout`, by default
  // longer than any test takes.
  void Begin(Durability durability,
             absl::Duration interval = absl::Milliseconds(1),
             absl::Duration store_timeout = kPatience,
             size_t max_bytes = size_t{1} << 20) {
    Journal::Options options;
    options.store_timeout = store_timeout;
    options.max_bytes = max_bytes;
    options.fenced = [this](const KeptName& name) {
      fenced_.push_back(name.key);
    };
    options.durability = durability;
    options.interval = interval;
    options.retry = absl::Milliseconds(1);
    journal_ = std::make_unique<Journal>(options,
                                         std::make_unique<FakeStore>(&medium_));
  }
  void AwaitAvailable(bool available) {
    const absl::Time give_up = absl::Now() + kPatience;
    while (journal_->available() != available) {
      ASSERT_LT(absl::Now(), give_up);
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  Medium medium_;
  std::vector<std::string> fenced_;  // The journal's thread's.
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, ChangesAreWrittenInTheirOrder) {
  Begin(Durability::kInterval);
  journal_->Replace({"a", 1}, {});
  journal_->Append({"b", 1}, {});
  journal_->Remove({"c", 1});
  journal_->SetAside({"d", 1}, "why");
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_THAT(medium_.Written(), ElementsAre("a replaced", "b appended",
                                             "c removed", "d set aside"));
}

TEST_F(JournalTest, WaitingChangesAreWrittenAtTheEnd) {
  Begin(Durability::kInterval, absl::Hours(1));
  journal_->Remove({"a", 1});
  journal_.reset();
  EXPECT_THAT(medium_.Written(), ElementsAre("a removed"));
}

TEST_F(JournalTest, WithEachTheCallerIsToldOnceItIsWritten) {
  Begin(Durability::kEach, absl::Hours(1));
  absl::Notification kept;
  journal_->Append({"a", 1}, {});
  journal_->WhenKept([&] {
    EXPECT_THAT(medium_.Written(), ElementsAre("a appended"));
    kept.Notify();
  });
  EXPECT_TRUE(kept.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(JournalTest, WithAnIntervalTheCallerIsToldAtOnce) {
  Begin(Durability::kInterval, absl::Hours(1));
  journal_->Append({"a", 1}, {});
  bool told = false;
  journal_->WhenKept([&] { told = true; });
  EXPECT_TRUE(told);
  EXPECT_THAT(medium_.Written(), IsEmpty());
}

TEST_F(JournalTest, WithEachAWaitIsExpectedToTakeAsLongAsOthersDid) {
  Begin(Durability::kEach, absl::Hours(1));
  EXPECT_EQ(journal_->expected_wait(), absl::ZeroDuration());
  medium_.SetHangs(true);
  journal_->Append({"a", 1}, {});
  journal_->WhenKept([] {});
  const absl::Time waiting = MonotonicNow();
  while (MonotonicNow() - waiting < absl::Milliseconds(2)) {
    std::this_thread::yield();
  }
  const absl::Duration least = MonotonicNow() - waiting;
  medium_.SetHangs(false);
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_GE(journal_->expected_wait(), least);
  // Nobody waits for a store that fails.
  medium_.SetFails(true);
  journal_->Append({"a", 1}, {});
  ASSERT_FALSE(journal_->Flush().ok());
  EXPECT_EQ(journal_->expected_wait(), absl::ZeroDuration());
}

TEST_F(JournalTest, WithAnIntervalNoWaitIsExpected) {
  Begin(Durability::kInterval, absl::Hours(1));
  journal_->Append({"a", 1}, {});
  journal_->WhenWritten([] {});
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_EQ(journal_->expected_wait(), absl::ZeroDuration());
  journal_->KeepEach();
  EXPECT_GT(journal_->expected_wait(), absl::ZeroDuration());
}

TEST_F(JournalTest, AStoreThatFailsHoldsNobodyUpAndIsTriedAgain) {
  Begin(Durability::kEach);
  medium_.SetFails(true);
  const uint64_t before = journal_->generation();
  journal_->Append({"a", 1}, {});
  absl::Notification told;
  journal_->WhenKept([&] { told.Notify(); });
  ASSERT_TRUE(told.WaitForNotificationWithTimeout(kPatience));
  AwaitAvailable(false);
  EXPECT_GT(journal_->generation(), before);
  EXPECT_EQ(journal_->lost_changes(), 1u);
  bool told_at_once = false;
  journal_->WhenKept([&] { told_at_once = true; });
  EXPECT_TRUE(told_at_once);
  medium_.SetFails(false);
  AwaitAvailable(true);
  journal_->Replace({"a", 1}, {});
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_THAT(medium_.Written(), ElementsAre("a replaced"));
}

TEST_F(JournalTest, AStoreThatHangsIsWaitedForOnceAndLosesNothing) {
  Begin(Durability::kEach, absl::Hours(1), absl::Milliseconds(20));
  medium_.SetHangs(true);
  const uint64_t before = journal_->generation();
  journal_->Append({"a", 1}, {});
  const absl::Time begun = MonotonicNow();
  absl::Notification told;
  journal_->WhenKept([&] { told.Notify(); });
  ASSERT_TRUE(told.WaitForNotificationWithTimeout(kPatience));
  EXPECT_GE(MonotonicNow() - begun, absl::Milliseconds(20));
  EXPECT_FALSE(journal_->available());
  EXPECT_EQ(journal_->failures(), 1u);
  journal_->Append({"b", 1}, {});
  bool told_at_once = false;
  journal_->WhenKept([&] { told_at_once = true; });
  EXPECT_TRUE(told_at_once);
  medium_.SetHangs(false);
  AwaitAvailable(true);
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_THAT(medium_.Written(), ElementsAre("a appended", "b appended"));
  EXPECT_EQ(journal_->generation(), before);
  EXPECT_EQ(journal_->lost_changes(), 0u);
}

TEST_F(JournalTest, ChangesThatWaitForTheStoreTakeSoMuchMemoryAtMost) {
  Begin(Durability::kInterval, absl::Hours(1), kPatience, /*max_bytes=*/10);
  const uint64_t before = journal_->generation();
  for (const std::string key : {"1234567890", "dropped"}) {
    journal_->Remove({key, 1});
  }
  EXPECT_EQ(journal_->lost_changes(), 1u);
  EXPECT_GT(journal_->generation(), before);
  ASSERT_TRUE(journal_->Flush().ok());
  journal_->Remove({"0987654321", 1});
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_EQ(journal_->lost_changes(), 1u);
  EXPECT_THAT(medium_.Written(),
              ElementsAre("1234567890 removed", "0987654321 removed"));
}

TEST_F(JournalTest, WaitersForAMissingStoreAreToldOfTheEnd) {
  Begin(Durability::kEach, absl::Hours(1), absl::Milliseconds(1));
  medium_.SetHangs(true);
  absl::Notification told;
  journal_->WhenKept([&] { told.Notify(); });
  std::thread waking([&] {
    told.WaitForNotificationWithTimeout(kPatience);
    medium_.SetHangs(false);
  });
  journal_.reset();
  EXPECT_TRUE(told.HasBeenNotified());
  waking.join();
}

TEST_F(JournalTest, ARefusedChangeIsReportedBeforeItsWaiters) {
  Begin(Durability::kEach, absl::Hours(1));
  {
    absl::MutexLock lock(&medium_.mutex);
    medium_.fenced = {{"a", 1}};
  }
  journal_->Append({"a", 1}, {});
  absl::Notification told;
  journal_->WhenKept([&] {
    EXPECT_THAT(fenced_, ElementsAre("a"));
    told.Notify();
  });
  EXPECT_TRUE(told.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(journal_->available());
}

TEST_F(JournalTest, SessionsThatTheStoreLostAreKeptAgain) {
  Begin(Durability::kInterval);
  {
    absl::MutexLock lock(&medium_.mutex);
    medium_.missing = true;
  }
  const uint64_t before = journal_->generation();
  journal_->Append({"a", 1}, {});
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_GT(journal_->generation(), before);
}

TEST_F(JournalTest, OnRequestEveryChangeIsKeptBeforeItsCallerIsTold) {
  Begin(Durability::kInterval, absl::Hours(1));
  journal_->KeepEach();
  journal_->Append({"a", 1}, {});
  absl::Notification kept;
  journal_->WhenKept([&] {
    EXPECT_THAT(medium_.Written(), ElementsAre("a appended"));
    kept.Notify();
  });
  EXPECT_TRUE(kept.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(JournalTest, FlushTellsThatNothingCouldBeWritten) {
  Begin(Durability::kInterval);
  medium_.SetFails(true);
  journal_->Append({"a", 1}, {});
  EXPECT_EQ(journal_->Flush().message(), "full");
}

}  // namespace
}  // namespace foresight
