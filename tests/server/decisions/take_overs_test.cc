#include "server/decisions/take_overs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "server/decisions/saved_session.h"
#include "server/support/clock.h"
#include "server/support/error.h"
#include "tests/server/decisions/deciding_session.h"
#include "tests/server/decisions/fake_shared_store.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(30);

// The end of one take-over.
class Asked {
 public:
  TakeOvers::Done Done() {
    return [state = state_](const absl::Status& status) {
      state->status = status;
      state->done.Notify();  // A second call would abort.
    };
  }
  bool done() const { return state_->done.HasBeenNotified(); }
  const absl::Status& Get() const {
    EXPECT_TRUE(state_->done.WaitForNotificationWithTimeout(kPatience));
    return state_->status;
  }
  std::string Reason() const { return ReasonName(Get()); }

 private:
  struct State {
    absl::Notification done;
    absl::Status status = absl::UnknownError("no answer");
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

class TakeOversTest : public ::testing::Test {
 protected:
  ~TakeOversTest() override { medium_.SetHangs(false); }

  void Begin(size_t max_waiting = 10) {
    TakeOvers::Options options;
    options.threads = 1;
    options.max_waiting = max_waiting;
    take_overs_ = std::make_unique<TakeOvers>(
        options,
        TakeOvers::Parts{
            [this] { return std::make_unique<FakeSharedStore>(&medium_); },
            &sessions_,
            [this](const KeptSession& kept) {
              absl::MutexLock lock(&mutex_);
              resumed_.push_back(kept.name.epoch);
              return resume_;
            },
            [this](const SessionName& name) {
              absl::MutexLock lock(&mutex_);
              lost_.emplace_back(name.id);
            }});
  }
  Asked Start(const std::string& id, uint64_t known_epoch = 0) {
    Asked asked;
    take_overs_->Start(id, known_epoch, asked.Done());
    return asked;
  }
  void OpenHere(const std::string& id, uint64_t epoch) {
    SessionState session = maker_.NewSession(id);
    session.epoch = epoch;
    auto lease = sessions_.Open(std::move(session), MonotonicNow());
    ASSERT_TRUE(lease.ok());
    ASSERT_TRUE(lease->Install(MonotonicNow()).ok());
  }
  std::vector<uint64_t> Resumed() {
    absl::MutexLock lock(&mutex_);
    return resumed_;
  }
  std::vector<std::string> Lost() {
    absl::MutexLock lock(&mutex_);
    return lost_;
  }

  SessionMaker maker_;
  SharedMedium medium_;
  SessionStore sessions_{{10}};
  absl::Mutex mutex_;
  absl::Status resume_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> resumed_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> lost_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<TakeOvers> take_overs_;
};

TEST_F(TakeOversTest, ASessionOfTheStoreIsResumed) {
  medium_.Keep("\na", 5, 1, {});
  Begin();
  EXPECT_TRUE(Start("a").Get().ok());
  EXPECT_THAT(Resumed(), ElementsAre(2u));
}

TEST_F(TakeOversTest, ASessionThatNobodyHasIsUnknown) {
  Begin();
  EXPECT_EQ(Start("a").Reason(), "SESSION_UNKNOWN");
}

TEST_F(TakeOversTest, ResumesErrorIsTold) {
  medium_.Keep("\na", 5, 1, {});
  {
    absl::MutexLock lock(&mutex_);
    resume_ = MakeError(Reason::kSessionsFull, "full");
  }
  Begin();
  EXPECT_EQ(Start("a").Reason(), "SESSIONS_FULL");
}

TEST_F(TakeOversTest, WithoutAStoreItIsUnknownWhetherASessionExists) {
  medium_.SetFailure(absl::UnavailableError("down"));
  Begin();
  const Asked asked = Start("a");
  EXPECT_EQ(asked.Reason(), "STORE_UNAVAILABLE");
  EXPECT_TRUE(RetryDelay(asked.Get()).has_value());
}

TEST_F(TakeOversTest, AnOwnerGoesOnWithItsOwn) {
  OpenHere("a", 3);
  medium_.Keep("\na", 5, 3, {});
  Begin();
  EXPECT_TRUE(Start("a").Get().ok());
  EXPECT_THAT(Resumed(), IsEmpty());
  EXPECT_THAT(Lost(), IsEmpty());
}

TEST_F(TakeOversTest, AnOutdatedSessionIsReplacedByTheStores) {
  OpenHere("a", 1);
  medium_.Keep("\na", 5, 2, {});
  Begin();
  EXPECT_TRUE(Start("a").Get().ok());
  EXPECT_THAT(Lost(), ElementsAre("a"));
  EXPECT_THAT(Resumed(), ElementsAre(3u));
  EXPECT_FALSE(sessions_.Find("a").has_value());
}

TEST_F(TakeOversTest, WithoutTheStoreTheNewestKnownSessionGoesOn) {
  OpenHere("a", 2);
  medium_.SetFailure(absl::UnavailableError("down"));
  Begin();
  EXPECT_TRUE(Start("a", /*known_epoch=*/2).Get().ok());
  EXPECT_TRUE(sessions_.Find("a").has_value());
}

TEST_F(TakeOversTest, AnOlderSessionThanTheCallerKnowsNeverGoesOn) {
  OpenHere("a", 1);
  medium_.SetFailure(absl::UnavailableError("down"));
  Begin();
  EXPECT_EQ(Start("a", /*known_epoch=*/2).Reason(), "STORE_UNAVAILABLE");
  medium_.SetFailure(absl::OkStatus());  // It works again, without the session.
  EXPECT_EQ(Start("a", /*known_epoch=*/2).Reason(), "SESSION_UNKNOWN");
  EXPECT_FALSE(sessions_.Find("a").has_value());
}

TEST_F(TakeOversTest, AStoreThatRefusesTheServerIsNotOneWithoutTheSession) {
  OpenHere("a", 1);
  medium_.SetFailure(absl::PermissionDeniedError("WRONGPASS"));
  Begin();
  EXPECT_EQ(Start("a", /*known_epoch=*/2).Reason(), "STORE_UNAVAILABLE");
  EXPECT_TRUE(sessions_.Find("a").has_value());
}

TEST_F(TakeOversTest, TheHighestEpochThatACallerKnowsCounts) {
  OpenHere("a", 1);
  OpenHere("b", 1);
  medium_.SetHangs(true);
  medium_.SetFailure(absl::UnavailableError("down"));
  Begin();
  const Asked running = Start("b");
  while (medium_.Calls() == 0) absl::SleepFor(absl::Milliseconds(1));
  const Asked behind = Start("a", /*known_epoch=*/1);
  const Asked ahead = Start("a", /*known_epoch=*/2);
  medium_.SetHangs(false);
  EXPECT_EQ(ahead.Reason(), "STORE_UNAVAILABLE");
  EXPECT_EQ(behind.Reason(), "STORE_UNAVAILABLE");
}

TEST_F(TakeOversTest, CallersOfOneSessionWaitForOneTakeOver) {
  medium_.Keep("\na", 5, 1, {});
  medium_.SetHangs(true);
  Begin();
  const Asked first = Start("a"), second = Start("a");
  EXPECT_FALSE(first.done());
  medium_.SetHangs(false);
  EXPECT_TRUE(first.Get().ok());
  EXPECT_TRUE(second.Get().ok());
  EXPECT_EQ(medium_.Calls(), 1);
}

TEST_F(TakeOversTest, VeryManyAreRefusedForAWhile) {
  medium_.SetHangs(true);
  Begin(/*max_waiting=*/2);
  const Asked first = Start("a"), second = Start("b");
  const Asked third = Start("c");
  EXPECT_EQ(third.Reason(), "SESSION_MOVED");
  EXPECT_TRUE(RetryDelay(third.Get()).has_value());
  medium_.SetHangs(false);
  EXPECT_EQ(second.Reason(), "SESSION_UNKNOWN");
}

TEST_F(TakeOversTest, WaitersAreToldOfTheEnd) {
  medium_.SetHangs(true);
  Begin();
  const Asked running = Start("a");
  while (medium_.Calls() == 0) absl::SleepFor(absl::Milliseconds(1));
  const Asked waiting = Start("b");
  std::thread stopping([&] { take_overs_->Stop(); });
  medium_.SetHangs(false);
  stopping.join();
  EXPECT_TRUE(running.done());
  EXPECT_TRUE(waiting.done());
  EXPECT_EQ(Start("c").Reason(), "DRAINING");
}

}  // namespace
}  // namespace foresight
