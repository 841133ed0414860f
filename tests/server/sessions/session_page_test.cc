#include "server/sessions/session_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/sessions/session_store.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class NoParameters : public PolicyParameters {
 public:
  std::unique_ptr<PolicyParameters> Clone() const override {
    return std::make_unique<NoParameters>();
  }
  size_t owned_bytes() const override { return 0; }
  std::vector<float> Export() const override { return {}; }
  absl::Status Import(absl::Span<const float>) override {
    return absl::OkStatus();
  }
};

class SessionPageTest : public ::testing::Test {
 protected:
  using Name = std::pair<std::string, std::string>;

  static absl::Time At(int seconds) {
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }

  void Open(const std::string& id, const std::string& identity = "",
            int seconds = 0, absl::Duration idle_timeout = absl::Hours(1)) {
    SessionState session;
    session.id = id;
    session.identity = identity;
    session.observation_size = 1;
    session.idle_timeout = idle_timeout;
    session.opened = At(1000 + seconds);
    session.parameters = std::make_unique<NoParameters>();
    auto lease = store_.Open(std::move(session), At(seconds));
    ASSERT_TRUE(lease.ok()) << lease.status();
    ASSERT_TRUE(lease->Install(At(seconds)).ok());
  }
  SessionLease Lease(const std::string& id, int seconds) {
    const float observation = 0;
    auto admission =
        store_.Begin({id, std::nullopt, absl::MakeConstSpan(&observation, 1),
                      cancelled_, ""},
                     nullptr, At(seconds));
    EXPECT_TRUE(admission.ok()) << admission.status();
    return std::get<SessionLease>(*std::move(admission));
  }
  static std::vector<Name> Names(const SessionPage& page) {
    std::vector<Name> names;
    for (const ListedSession& session : page.sessions) {
      names.emplace_back(session.id, session.identity);
    }
    return names;
  }

  SessionStore store_{SessionStore::Options()};
  std::shared_ptr<std::atomic<bool>> cancelled_ =
      std::make_shared<std::atomic<bool>>(false);
};

TEST_F(SessionPageTest, PagesFollowTheIdsAndThenTheIdentities) {
  Open("b", "y");
  Open("c");
  Open("b", "x");
  Open("a");
  Open("d");
  const SessionPage first = store_.List(std::nullopt, 2, At(0));
  EXPECT_THAT(Names(first), ElementsAre(Pair("a", ""), Pair("b", "x")));
  ASSERT_TRUE(first.next.has_value());
  const SessionPage second = store_.List(first.next, 2, At(0));
  EXPECT_THAT(Names(second), ElementsAre(Pair("b", "y"), Pair("c", "")));
  ASSERT_TRUE(second.next.has_value());
  const SessionPage last = store_.List(second.next, 2, At(0));
  EXPECT_THAT(Names(last), ElementsAre(Pair("d", "")));
  EXPECT_FALSE(last.next.has_value());
}

TEST_F(SessionPageTest, AFullLastPageIsTheLast) {
  Open("a");
  Open("b");
  const SessionPage page = store_.List(std::nullopt, 2, At(0));
  EXPECT_EQ(page.sessions.size(), 2u);
  EXPECT_FALSE(page.next.has_value());
  EXPECT_THAT(Names(store_.List(SessionPosition{"b", ""}, 2, At(0))),
              IsEmpty());
}

TEST_F(SessionPageTest, APageGoesOnAfterASessionThatIsGone) {
  Open("a");
  Open("b");
  Open("c");
  const SessionPage first = store_.List(std::nullopt, 2, At(0));
  ASSERT_TRUE(store_.Close("b", At(0)).ok());
  EXPECT_THAT(Names(store_.List(first.next, 2, At(0))),
              ElementsAre(Pair("c", "")));
}

TEST_F(SessionPageTest, ASessionShowsWhereItIs) {
  Open("a", "", 5);
  auto answer = std::make_shared<v1::ActResponse>();
  answer->mutable_report()->set_steps_done(3);
  ASSERT_TRUE(Lease("a", 8).Commit(answer, At(9)).ok());
  const SessionPage page = store_.List(std::nullopt, 10, At(12));
  ASSERT_EQ(page.sessions.size(), 1u);
  const ListedSession& session = page.sessions[0];
  EXPECT_EQ(session.next_decision, 1u);
  EXPECT_EQ(session.opened, At(1005));
  EXPECT_EQ(session.idle, absl::Seconds(3));
  ASSERT_NE(session.last_answer, nullptr);
  EXPECT_EQ(session.last_answer->report().steps_done(), 3u);
}

TEST_F(SessionPageTest, ASessionThatDecidesIsNotIdle) {
  Open("a");
  const SessionLease lease = Lease("a", 1);
  const SessionPage page = store_.List(std::nullopt, 10, At(7));
  ASSERT_EQ(page.sessions.size(), 1u);
  EXPECT_EQ(page.sessions[0].idle, absl::ZeroDuration());
}

TEST_F(SessionPageTest, ExpiredAndUnfinishedSessionsAreLeftOut) {
  Open("expires", "", 0, absl::Seconds(1));
  SessionState session;
  session.id = "opening";
  const auto opening = store_.Open(std::move(session), At(0));
  ASSERT_TRUE(opening.ok());
  EXPECT_THAT(Names(store_.List(std::nullopt, 10, At(0))),
              ElementsAre(Pair("expires", "")));
  EXPECT_THAT(Names(store_.List(std::nullopt, 10, At(1))), IsEmpty());
  EXPECT_EQ(store_.Models().size(), 1u);
}

}  // namespace
}  // namespace foresight
