#include "server/durability/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Longer than anything here takes: only a hang reaches it.
constexpr absl::Duration kPatience = absl::Seconds(30);

// What a FakeStore was given, and whether it works.
struct Medium {
  absl::Mutex mutex;
  std::vector<std::string> written ABSL_GUARDED_BY(mutex);
  bool fails ABSL_GUARDED_BY(mutex) = false;

  void SetFails(bool value) {
    absl::MutexLock lock(&mutex);
    fails = value;
  }
  std::vector<std::string> Written() {
    absl::MutexLock lock(&mutex);
    return written;
  }
};

class FakeStore : public StateStore {
 public:
  explicit FakeStore(Medium* medium) : medium_(medium) {}
  absl::Status Write(absl::Span<const StateChange> changes) override {
    absl::MutexLock lock(&medium_->mutex);
    if (medium_->fails) return absl::UnavailableError("full");
    for (const StateChange& change : changes) {
      medium_->written.push_back(
          absl::StrCat(change.name.key, static_cast<int>(change.kind)));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<KeptSession>> Load() override {
    return std::vector<KeptSession>();
  }

 private:
  Medium* const medium_;
};

class JournalTest : public ::testing::Test {
 protected:
  void Begin(Durability durability,
             absl::Duration interval = absl::Milliseconds(1)) {
    Journal::Options options;
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
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, ChangesAreWrittenInTheirOrder) {
  Begin(Durability::kInterval);
  journal_->Replace({"a", 1}, {});
  journal_->Append({"b", 1}, {});
  journal_->Remove({"c", 1});
  journal_->SetAside({"d", 1}, "why");
  ASSERT_TRUE(journal_->Flush().ok());
  EXPECT_THAT(medium_.Written(), ElementsAre("a0", "b1", "c2", "d3"));
}

TEST_F(JournalTest, WhatWaitsAtTheEndIsWritten) {
  Begin(Durability::kInterval, absl::Hours(1));
  journal_->Remove({"a", 1});
  journal_.reset();
  EXPECT_THAT(medium_.Written(), ElementsAre("a2"));
}

TEST_F(JournalTest, WithEachTheCallerIsToldOnceItIsWritten) {
  Begin(Durability::kEach, absl::Hours(1));
  absl::Notification kept;
  journal_->Append({"a", 1}, {});
  journal_->WhenKept([&] {
    EXPECT_THAT(medium_.Written(), ElementsAre("a1"));
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
  EXPECT_THAT(medium_.Written(), ElementsAre("a0"));
}

TEST_F(JournalTest, FlushTellsThatNothingCouldBeWritten) {
  Begin(Durability::kInterval);
  medium_.SetFails(true);
  journal_->Append({"a", 1}, {});
  EXPECT_EQ(journal_->Flush().message(), "full");
}

}  // namespace
}  // namespace foresight
