#include "server/decisions/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "models/bundle/random_bundle.h"
#include "tests/support/fake_engine.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const LoadedModel> Model() {
  RandomBundleOptions options;
  options.name = "small";
  options.sampler_steps = 3;
  auto model = std::make_shared<LoadedModel>();
  model->bundle = std::make_shared<const Bundle>(RandomBundle(options));
  model->engine = std::make_shared<FakeEngine>(2);
  return model;
}

TEST(MessagesTest, AModelIsDescribedByItsManifestAndItsEngine) {
  const auto model = Model();
  const v1::Model message = ToProto(*model);
  EXPECT_EQ(message.name(), "small");
  EXPECT_EQ(message.version(), model->bundle->manifest().version());
  EXPECT_EQ(message.weights_sha256(),
            model->bundle->manifest().weights_sha256());
  EXPECT_EQ(message.observation_size(), 3u);
  EXPECT_EQ(message.action_size(), 2u);
  EXPECT_EQ(message.dynamics(), "diffusion");
  EXPECT_EQ(message.sampler_steps(), 3u);
  EXPECT_EQ(message.engine(), model->engine->name());
  EXPECT_EQ(message.device(), model->engine->device());
  EXPECT_TRUE(message.defaults().has_horizon());
}

TEST(MessagesTest, ASessionIsDescribedAsAClientNeedsIt) {
  SessionState session;
  session.id = "left-arm";
  session.identity = "a secret of the server";
  session.model = Model();
  session.settings.horizon = 7;
  session.seed = 11;
  session.next_decision = 13;
  session.epoch = 2;
  session.idle_timeout = absl::Milliseconds(1500);
  const v1::Session message = ToProto(session);
  EXPECT_EQ(message.session_id(), "left-arm");
  EXPECT_EQ(message.model().name(), "small");
  EXPECT_EQ(message.settings().horizon(), 7u);
  EXPECT_EQ(message.seed(), 11u);
  EXPECT_EQ(message.next_decision(), 13u);
  EXPECT_EQ(message.epoch(), 2u);
  EXPECT_EQ(message.idle_timeout().seconds(), 1);
  EXPECT_EQ(message.idle_timeout().nanos(), 500000000);
  EXPECT_EQ(message.DebugString().find("secret"), std::string::npos);
}

TEST(MessagesTest, OutcomesKeepTheirNames) {
  EXPECT_EQ(ToProto(Outcome::kNonFinite), v1::NON_FINITE);
  EXPECT_EQ(ToProto(Outcome::kRejected), v1::REJECTED);
  EXPECT_EQ(ToProto(Outcome::kTruncated), v1::TRUNCATED);
  EXPECT_EQ(ToProto(Outcome::kFrozen), v1::FROZEN);
  EXPECT_EQ(ToProto(Outcome::kLimited), v1::LIMITED);
  EXPECT_EQ(ToProto(Outcome::kAdapted), v1::ADAPTED);
}

TEST(MessagesTest, ADecisionCarriesItsPlanRowByRowAndItsReport) {
  Decision decision;
  decision.action = {0.1f, 0.2f};
  decision.plan = {1, 2, 3, 4};
  decision.report.outcome = Outcome::kTruncated;
  decision.report.steps_requested = 5;
  decision.report.steps_done = 4;
  decision.report.objective_before = 6;
  decision.report.gradient_norm = 7;
  decision.report.action_change = 8;
  decision.report.drift = 9;
  v1::ActResponse message =
      ToProto(decision, "a", 3, absl::Milliseconds(1), absl::Milliseconds(2));
  EXPECT_EQ(message.session_id(), "a");
  EXPECT_EQ(message.decision_index(), 3u);
  EXPECT_THAT(message.action(), ElementsAre(0.1f, 0.2f));
  ASSERT_EQ(message.plan_size(), 2);
  EXPECT_THAT(message.plan(0).values(), ElementsAre(1, 2));
  EXPECT_THAT(message.plan(1).values(), ElementsAre(3, 4));
  EXPECT_EQ(message.report().outcome(), v1::TRUNCATED);
  EXPECT_EQ(message.report().steps_requested(), 5u);
  EXPECT_EQ(message.report().steps_done(), 4u);
  EXPECT_EQ(message.report().objective_before(), 6);
  EXPECT_FALSE(message.report().has_objective_after());
  EXPECT_EQ(message.report().gradient_norm(), 7);
  EXPECT_EQ(message.report().action_change(), 8);
  EXPECT_EQ(message.report().drift(), 9);
  EXPECT_EQ(message.report().queue_time().nanos(), 1000000);
  EXPECT_EQ(message.report().adapt_time().nanos(), 2000000);

  decision.report.objective_after = 0;
  message = ToProto(decision, "", 0, {}, {});
  EXPECT_TRUE(message.report().has_objective_after());
  EXPECT_EQ(message.session_id(), "");
}

}  // namespace
}  // namespace foresight
