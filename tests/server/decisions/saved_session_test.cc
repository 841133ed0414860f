#include "server/decisions/saved_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "server/registry/loaded_model.h"
#include "server/support/error.h"
#include "tests/server/decisions/deciding_session.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SavedSessionTest : public ::testing::Test {
 protected:
  // The session that a server would make of the saved one.
  SessionState Opened() { return maker_.NewSession("a"); }

  SessionMaker maker_;
};

TEST_F(SavedSessionTest, ASessionComesBackInTheNextEpoch) {
  SessionState session = maker_.NewSession("a");
  maker_.Decide(session, 0.5f);
  maker_.Decide(session, 0.25f);
  session.epoch = 4;
  const v1::SavedSession saved = Save(session);
  EXPECT_EQ(saved.epoch(), 4u);
  EXPECT_EQ(saved.weights_sha256(),
            session.model->bundle->manifest().weights_sha256());
  SessionState restored = Opened();
  ASSERT_TRUE(Restore(saved, restored).ok());
  EXPECT_EQ(restored.next_decision, 2u);
  EXPECT_EQ(restored.epoch, 5u);
  EXPECT_EQ(restored.resumed_from, 2u);
  EXPECT_EQ(restored.parameters->Export(), session.parameters->Export());
  EXPECT_THAT(restored.last_observation, ElementsAre(0.25f, 0.25f, 0.25f));
  EXPECT_EQ(restored.last_answer->epoch(), 5u);
  EXPECT_EQ(restored.last_answer->decision_index(), 1u);
}

TEST_F(SavedSessionTest, ASessionThatHasNotDecidedHasNoAnswer) {
  SessionState session = maker_.NewSession("a");
  const v1::SavedSession saved = Save(session);
  EXPECT_FALSE(saved.has_last_decision());
  EXPECT_EQ(saved.parameters_size(), 0) << "psi_0 need not be kept";
  SessionState restored = Opened();
  ASSERT_TRUE(Restore(saved, restored).ok());
  EXPECT_EQ(restored.next_decision, 0u);
  EXPECT_EQ(restored.last_answer, nullptr);
}

TEST_F(SavedSessionTest, AResetSessionIsAtItsBeginning) {
  SessionState session = maker_.NewSession("a");
  maker_.Decide(session, 0.5f);
  SessionRestart restart;
  restart.seed = 11;
  const v1::SavedSession kept = SaveAnew(session, restart);
  EXPECT_EQ(
      std::vector<float>(kept.parameters().begin(), kept.parameters().end()),
      session.parameters->Export());
  restart.parameters = session.model->engine->NewParameters();
  const v1::SavedSession frozen = SaveAnew(session, restart);
  EXPECT_EQ(frozen.seed(), 11u);
  EXPECT_EQ(frozen.next_decision(), 0u);
  EXPECT_FALSE(frozen.has_last_decision());
  EXPECT_EQ(frozen.parameters_size(), 0);
}

TEST_F(SavedSessionTest, TheOpeningRequestHasAllThatTheSessionWasOpenedWith) {
  SessionState session = maker_.NewSession("a");
  session.seed = 99;
  session.idle_timeout = absl::Milliseconds(1500);
  const v1::OpenSessionRequest request = OpeningRequest(Save(session));
  EXPECT_EQ(request.session_id(), "a");
  EXPECT_EQ(request.model(), session.model->name());
  EXPECT_EQ(request.seed(), 99u);
  EXPECT_EQ(request.idle_timeout().nanos(), 500000000);
  EXPECT_EQ(request.settings().steps(), 1u);
}

TEST_F(SavedSessionTest, OtherWeightsAreRefused) {
  v1::SavedSession saved = Save(maker_.NewSession("a"));
  saved.set_weights_sha256("00");
  SessionState restored = Opened();
  EXPECT_EQ(ReasonName(Restore(saved, restored)), "WEIGHTS_DIFFER");
}

TEST_F(SavedSessionTest, StateThatDoesNotFitTheModelIsRefused) {
  SessionState session = maker_.NewSession("a");
  maker_.Decide(session, 0.5f);
  const v1::SavedSession good = Save(session);
  const auto refusal = [&](auto spoil) {
    v1::SavedSession saved = good;
    spoil(saved);
    SessionState restored = Opened();
    const absl::Status status = Restore(saved, restored);
    EXPECT_EQ(ReasonName(status), "SNAPSHOT_INVALID") << status;
    return std::string(status.message());
  };
  EXPECT_THAT(refusal([](auto& saved) { saved.clear_last_decision(); }),
              HasSubstr("last decision is missing"));
  EXPECT_THAT(refusal([](auto& saved) { saved.set_next_decision(0); }),
              HasSubstr("last decision is there"));
  EXPECT_THAT(refusal([](auto& saved) { saved.set_next_decision(2); }),
              HasSubstr("last decision is 0, expected 1"));
  EXPECT_THAT(refusal([](auto& saved) {
                saved.mutable_last_decision()->add_observation(0);
              }),
              HasSubstr("4 observations and 2 actions, expected 3 and 2"));
  EXPECT_THAT(refusal([](auto& saved) {
                saved.mutable_last_decision()->mutable_answer()->set_action(
                    0, std::numeric_limits<float>::quiet_NaN());
              }),
              HasSubstr("expected -1 to 1"));
  refusal([](auto& saved) { saved.add_parameters(0); });
}

}  // namespace
}  // namespace foresight
