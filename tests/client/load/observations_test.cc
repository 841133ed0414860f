#include "client/load/observations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/fake_adaptation_server.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ObservationsTest, EachSessionReplaysAllFromItsOwnOffset) {
  const Observations observations("test", 2, {0, 1, 10, 11, 20, 21, 30, 31});
  EXPECT_EQ(observations.count(), 4);
  EXPECT_THAT(observations.At(0, 2, 0), ElementsAre(0, 1));
  EXPECT_THAT(observations.At(1, 2, 0), ElementsAre(20, 21));
  EXPECT_THAT(observations.At(1, 2, 1), ElementsAre(30, 31));
  EXPECT_THAT(observations.At(1, 2, 2), ElementsAre(0, 1));
  // If there are more sessions than observations, some share their offset.
  EXPECT_THAT(observations.At(99, 100, 4000000000), ElementsAre(30, 31));
}

TEST(ObservationsTest, AnEpisodeIsRecordedWhenAnEnvironmentFits) {
  FakeAdaptationServer server(
      {FakeAdaptationServer::HalfCheetahModel("cheetah")});
  const auto client = AdaptationClient::Connect(server.address());
  ASSERT_TRUE(client.ok()) << client.status();
  Cancellation cancellation;
  const auto observations = MakeObservations(
      *client, FakeAdaptationServer::HalfCheetahModel("cheetah"), "", 20, 3,
      cancellation);
  ASSERT_TRUE(observations.ok()) << observations.status();
  EXPECT_EQ(observations->source(),
            "20 observations of HalfCheetah-v4 with the frozen policy");
  EXPECT_EQ(observations->count(), 20);
  const auto environment = MakeEnvironment("HalfCheetah-v4");
  ASSERT_TRUE(environment.ok()) << environment.status();
  const std::vector<double> first = (*environment)->Reset(3);
  EXPECT_EQ(observations->At(0, 1, 0)[5], static_cast<float>(first[5]));
  EXPECT_EQ(server.open_requests()[0].settings().steps(), 0u);
  EXPECT_EQ(server.open_sessions(), 0);
}

// Walker2d has HalfCheetah's sizes.
TEST(ObservationsTest, TheModelsOwnEnvironmentIsPlayed) {
  v1::Model model = FakeAdaptationServer::HalfCheetahModel("walker");
  model.set_environment("Walker2d-v4");
  FakeAdaptationServer server({model});
  const auto client = AdaptationClient::Connect(server.address());
  ASSERT_TRUE(client.ok()) << client.status();
  Cancellation cancellation;
  const auto observations =
      MakeObservations(*client, model, "", 1000, 3, cancellation);
  ASSERT_TRUE(observations.ok()) << observations.status();
  EXPECT_THAT(observations->source(),
              HasSubstr(" observations of Walker2d-v4 with the frozen"));
  EXPECT_LT(observations->count(), 1000);  // It falls.
  EXPECT_GT(observations->count(), 1);
  model.set_environment("Robot-v0");
  const auto normal = MakeObservations(*client, model, "", 20, 3, cancellation);
  ASSERT_TRUE(normal.ok()) << normal.status();
  EXPECT_THAT(normal->source(), HasSubstr("no environment \"Robot-v0\""));
}

TEST(ObservationsTest, WithoutAFittingEnvironmentTheyAreNormal) {
  v1::Model model = FakeAdaptationServer::HalfCheetahModel("odd");
  model.clear_environment();
  model.set_observation_size(5);
  FakeAdaptationServer server({model});
  const auto client = AdaptationClient::Connect(server.address());
  ASSERT_TRUE(client.ok()) << client.status();
  Cancellation cancellation;
  const auto observations =
      MakeObservations(*client, model, "", 20, 3, cancellation);
  ASSERT_TRUE(observations.ok()) << observations.status();
  EXPECT_THAT(observations->source(),
              HasSubstr("normal observations: no environment has the model's "
                        "sizes"));
  EXPECT_EQ(observations->At(0, 1, 0).size(), 5u);
  EXPECT_EQ(server.opened_sessions(), 0);
}

}  // namespace
}  // namespace foresight
