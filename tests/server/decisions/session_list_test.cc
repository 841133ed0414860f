#include "server/decisions/session_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/bundle/random_bundle.h"
#include "server/registry/loaded_model.h"
#include "server/support/error.h"
#include "tests/support/fake_engine.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SessionListTest : public ::testing::Test {
 protected:
  static absl::Time At(int seconds) {
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }

  void Open(const std::string& id, const std::string& identity = "") {
    SessionState session;
    session.id = id;
    session.identity = identity;
    session.model = model_;
    session.opened = At(7) + absl::Milliseconds(500);
    session.parameters = engine_->NewParameters();
    auto lease = store_.Open(std::move(session), At(0));
    ASSERT_TRUE(lease.ok()) << lease.status();
    ASSERT_TRUE(lease->Install(At(0)).ok());
  }
  v1::ListSessionsResponse Page(uint32_t size, const std::string& token = "") {
    v1::ListSessionsRequest request;
    request.set_page_size(size);
    request.set_page_token(token);
    const auto page = ListSessions(request, store_, At(3));
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *page : v1::ListSessionsResponse();
  }

  const std::shared_ptr<const FakeEngine> engine_ =
      std::make_shared<const FakeEngine>(2);
  const std::shared_ptr<const LoadedModel> model_ =
      std::make_shared<const LoadedModel>(
          LoadedModel{std::make_shared<const Bundle>(RandomBundle()), engine_});
  SessionStore store_{SessionStore::Options()};
};

TEST_F(SessionListTest, ASessionIsDescribed) {
  Open("a", "alice");
  const v1::ListSessionsResponse page = Page(0);
  ASSERT_EQ(page.sessions_size(), 1);
  const v1::SessionSummary& session = page.sessions(0);
  EXPECT_EQ(session.session_id(), "a");
  EXPECT_EQ(session.owner(), "alice");
  EXPECT_EQ(session.model(), "random");
  EXPECT_EQ(session.weights_sha256(),
            model_->bundle->manifest().weights_sha256());
  EXPECT_EQ(session.next_decision(), 0u);
  EXPECT_EQ(session.opened().seconds(), 7);
  EXPECT_EQ(session.opened().nanos(), 500'000'000);
  EXPECT_EQ(session.idle().seconds(), 3);
  EXPECT_FALSE(session.has_last_report());
}

TEST_F(SessionListTest, ATokenGoesOnAfterItsPage) {
  Open("same id", "x");
  Open("same id", "y");
  Open("same id");
  std::vector<std::string> owners;
  std::string token;
  do {
    const v1::ListSessionsResponse page = Page(1, token);
    ASSERT_EQ(page.sessions_size(), 1);
    owners.push_back(page.sessions(0).owner());
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(owners, ElementsAre("", "x", "y"));
}

TEST_F(SessionListTest, APageHas100SessionsUnlessItIsAskedFor) {
  for (int i = 0; i < 101; ++i) Open("session " + std::to_string(i));
  const v1::ListSessionsResponse page = Page(0);
  EXPECT_EQ(page.sessions_size(), 100);
  EXPECT_EQ(Page(0, page.next_page_token()).sessions_size(), 1);
  EXPECT_EQ(Page(1000).sessions_size(), 101);
}

TEST_F(SessionListTest, AWrongListRequestNamesItsField) {
  v1::ListSessionsRequest request;
  request.set_page_size(1001);
  absl::Status refused = ListSessions(request, store_, At(0)).status();
  EXPECT_EQ(ReasonName(refused), "SETTINGS_INVALID");
  EXPECT_EQ(refused.message(), "page_size is 1001, expected at most 1000");
  request.set_page_size(0);
  for (const char* token : {"*", "YQ"}) {  // Not base64; no line's end in it.
    request.set_page_token(token);
    refused = ListSessions(request, store_, At(0)).status();
    EXPECT_EQ(ReasonName(refused), "SETTINGS_INVALID") << token;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("page_token"));
  }
}

}  // namespace
}  // namespace foresight
