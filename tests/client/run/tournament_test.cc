#include "client/run/tournament.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "absl/time/clock.h"
#include "client/fake_adaptation_server.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

RunOptions Short() {
  RunOptions options;
  options.episodes = 3;
  options.max_steps = 15;
  options.parallel = 2;
  options.quiet = true;
  return options;
}

class TournamentTest : public ::testing::Test {
 protected:
  TournamentTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {}

  AdaptationClient Client() {
    auto client = AdaptationClient::Connect(server_.address());
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  absl::StatusOr<Comparison> PlayWith(const RunOptions& options) {
    Cancellation cancellation;
    return Play(Client(), options, cancellation);
  }

  FakeAdaptationServer server_;
};

// Plays the fake server's policy directly.
double ReturnOf(uint64_t seed, int steps, int decisions) {
  auto environment = MakeEnvironment("HalfCheetah-v4");
  EXPECT_TRUE(environment.ok()) << environment.status();
  std::vector<double> state = (*environment)->Reset(seed);
  double sum = 0;
  for (int i = 0; i < decisions; ++i) {
    std::vector<float> action(6);
    for (int j = 0; j < 6; ++j) {
      const float value =
          0.1f * static_cast<float>(1 + steps) * static_cast<float>(state[j]);
      action[j] =
          std::clamp(value + 0.01f * static_cast<float>(seed % 7), -1.0f, 1.0f);
    }
    auto next = (*environment)->Step(action);
    EXPECT_TRUE(next.ok()) << next.status();
    sum += next->reward;
    state = next->observation;
  }
  return sum;
}

TEST_F(TournamentTest, EverySeedIsPlayedFrozenAndAdapted) {
  RunOptions options = Short();
  options.settings.set_steps(3);
  options.settings.set_horizon(2);
  const auto comparison = PlayWith(options);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  ASSERT_EQ(comparison->episodes.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const EpisodePair& pair = comparison->episodes[i];
    EXPECT_EQ(pair.seed, 1000u + i);
    ASSERT_TRUE(pair.frozen.has_value() && pair.adapted.has_value());
    EXPECT_DOUBLE_EQ(pair.frozen->episode_return, ReturnOf(pair.seed, 0, 15));
    EXPECT_DOUBLE_EQ(pair.adapted->episode_return, ReturnOf(pair.seed, 3, 15));
    EXPECT_EQ(pair.frozen->steps, 15);
    EXPECT_EQ(pair.frozen->steps_done_mean, 0);
    EXPECT_EQ(pair.adapted->steps_done_mean, 3);
    EXPECT_EQ(pair.adapted->latencies_ms.size(), 15u);
  }
  EXPECT_EQ(comparison->settings.horizon(), 2u);
  EXPECT_EQ(comparison->settings.steps(), 3u);
  // There is one session for each episode, with its seed, and all are closed.
  EXPECT_EQ(server_.opened_sessions(), 6);
  EXPECT_EQ(server_.open_sessions(), 0);
  std::multiset<uint64_t> seeds;
  for (const auto& request : server_.open_requests()) {
    seeds.insert(request.seed());
    EXPECT_EQ(request.settings().horizon(), 2u);
  }
  EXPECT_EQ(seeds,
            (std::multiset<uint64_t>{1000, 1000, 1001, 1001, 1002, 1002}));
}

TEST_F(TournamentTest, RunsRepeatWithAnyParallelism) {
  RunOptions options = Short();
  const auto a = PlayWith(options);
  options.parallel = 6;
  const auto b = PlayWith(options);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->frozen->mean, b->frozen->mean);
  EXPECT_EQ(a->adapted->mean, b->adapted->mean);
  EXPECT_EQ(a->interval->low, b->interval->low);
}

TEST_F(TournamentTest, OneVariantCanBePlayedAlone) {
  RunOptions options = Short();
  options.play_adapted = false;
  const auto comparison = PlayWith(options);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_TRUE(comparison->frozen.has_value());
  EXPECT_FALSE(comparison->adapted.has_value());
  EXPECT_EQ(server_.opened_sessions(), 3);
}

TEST_F(TournamentTest, TheEnvironmentsStepLimitIsKept) {
  RunOptions options = Short();
  options.episodes = 1;
  options.max_steps = 5000;
  options.play_adapted = false;
  const auto comparison = PlayWith(options);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_EQ(comparison->episodes[0].frozen->steps, 1000);
}

TEST_F(TournamentTest, AFailureEndsTheRunAndClosesItsSessions) {
  RunOptions options = Short();
  options.episodes = 20;
  server_.Stall();
  absl::Status status;
  std::thread player([&] { status = PlayWith(options).status(); });
  server_.AwaitStalled(2);
  // The other stalled call gets no answer.
  server_.FailOneStalled(DetailedStatus(
      grpc::StatusCode::INVALID_ARGUMENT, "observation[2] is nan",
      "OBSERVATION_INVALID", absl::InfiniteDuration()));
  player.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("observation[2] is nan [OBSERVATION_INVALID] ("));
  EXPECT_THAT(std::string(status.message()), HasSubstr("of seed 1000, step 0"));
  EXPECT_EQ(server_.open_sessions(), 0);
  EXPECT_EQ(server_.opened_sessions(), 2);
}

TEST_F(TournamentTest, ADecisionWhoseBudgetRanOutIsAskedForAgain) {
  RunOptions options = Short();
  options.play_frozen = false;
  options.episodes = 1;
  server_.FailNext(2, grpc::Status::OK);  // ListModels, OpenSession.
  server_.FailNext(3, DetailedStatus(grpc::StatusCode::DEADLINE_EXCEEDED,
                                     "waited for a core", "DEADLINE_EXCEEDED",
                                     absl::InfiniteDuration()));
  const auto comparison = PlayWith(options);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_EQ(comparison->adapted->late, 3);
  EXPECT_EQ(comparison->adapted->mean, ReturnOf(1000, 1, 15));
}

TEST_F(TournamentTest, ADecisionThatNobodyMakesFailsAtTheDeadline) {
  RunOptions options = Short();
  options.deadline = absl::Milliseconds(50);
  server_.Stall();
  const auto comparison = PlayWith(options);
  EXPECT_EQ(comparison.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TournamentTest, AFullServerIsReported) {
  server_.FailNext(1, grpc::Status::OK);  // ListModels.
  server_.FailNext(2, DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                     "1024 sessions are open", "SESSIONS_FULL",
                                     absl::InfiniteDuration()));
  const auto comparison = PlayWith(Short());
  EXPECT_EQ(comparison.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(comparison.status().message()),
              HasSubstr("1024 sessions are open [SESSIONS_FULL] ("));
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(TournamentTest, CancellationEndsTheRunAndClosesItsSessions) {
  server_.Stall();
  Cancellation cancellation;
  const AdaptationClient client = Client();
  absl::Status status;
  std::thread player(
      [&] { status = Play(client, Short(), cancellation).status(); });
  server_.AwaitStalled(2);
  cancellation.Cancel();
  player.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(TournamentTest, AWrongModelNameListsTheRightOnes) {
  RunOptions options = Short();
  options.model = "hopper";
  const auto comparison = PlayWith(options);
  EXPECT_EQ(comparison.status(),
            absl::NotFoundError(
                "the server has no model \"hopper\"; it has: cheetah"));
}

TEST_F(TournamentTest, WithSeveralModelsOneMustBeChosen) {
  FakeAdaptationServer several({FakeAdaptationServer::HalfCheetahModel("a"),
                                FakeAdaptationServer::HalfCheetahModel("b")});
  auto client = AdaptationClient::Connect(several.address());
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(ChooseModel(*client, "").status(),
            absl::NotFoundError(
                "the server has 2 models: choose one with --model (a, b)"));
  EXPECT_EQ(ChooseModel(*client, "b")->name(), "b");
}

TEST_F(TournamentTest, OneStreamCarriesAllEpisodes) {
  RunOptions options = Short();
  options.settings.set_steps(3);
  const auto by_calls = PlayWith(options);
  const int calls = server_.calls();
  options.stream = true;
  options.parallel = 6;
  const auto by_stream = PlayWith(options);
  ASSERT_TRUE(by_calls.ok() && by_stream.ok()) << by_stream.status();
  EXPECT_EQ(by_stream->frozen->mean, by_calls->frozen->mean);
  EXPECT_EQ(by_stream->adapted->mean, by_calls->adapted->mean);
  EXPECT_EQ(server_.calls(), 2 * calls);  // The stream's requests count too.
  EXPECT_EQ(server_.streams(), 1);
  EXPECT_EQ(server_.open_sessions(), 0);
  // The server learns how long an answer is useful.
  EXPECT_EQ(server_.last_act().budget().seconds(), 10);
}

TEST_F(TournamentTest, ABrokenStreamIsReplacedAndTheEpisodesContinue) {
  RunOptions options = Short();
  options.stream = true;
  const auto whole = PlayWith(options);
  server_.EndStreamAfter(
      7, grpc::Status(grpc::StatusCode::UNAVAILABLE, "going away"));
  std::thread healer([&] {  // The next stream ends at once.
    while (server_.streams() < 3) absl::SleepFor(absl::Milliseconds(1));
    server_.EndStreamAfter(-1, grpc::Status::OK);
  });
  const auto broken = PlayWith(options);
  healer.join();
  ASSERT_TRUE(whole.ok() && broken.ok()) << broken.status();
  EXPECT_EQ(broken->adapted->mean, whole->adapted->mean);
  EXPECT_GT(server_.streams(), 3);
}

TEST_F(TournamentTest, CancellationEndsARunOnAStream) {
  server_.Stall();
  Cancellation cancellation;
  const AdaptationClient client = Client();
  RunOptions options = Short();
  options.stream = true;
  absl::Status status;
  std::thread player(
      [&] { status = Play(client, options, cancellation).status(); });
  server_.AwaitStalled(1);
  cancellation.Cancel();
  player.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.open_sessions(), 0);
}

v1::Model HopperModel() {
  v1::Model model = FakeAdaptationServer::HalfCheetahModel("hopper");
  model.set_environment("Hopper-v4");
  model.set_observation_size(11);
  model.set_action_size(3);
  return model;
}

// With the fake server's actions the hopper falls over in less than a second.
TEST(TournamentOfHoppersTest, EpisodesThatEndEarlyCountInFull) {
  FakeAdaptationServer server({HopperModel()});
  const auto client = AdaptationClient::Connect(server.address());
  ASSERT_TRUE(client.ok()) << client.status();
  RunOptions options = Short();
  options.max_steps = 1000;
  Cancellation cancellation;
  const auto comparison = Play(*client, options, cancellation);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_EQ(comparison->environment.name, "Hopper-v4");
  EXPECT_EQ(comparison->frozen->terminated, 3);
  double steps = 0;
  for (const EpisodePair& pair : comparison->episodes) {
    EXPECT_TRUE(pair.frozen->terminated);
    EXPECT_LT(pair.frozen->steps, 1000);
    EXPECT_EQ(static_cast<int>(pair.frozen->latencies_ms.size()),
              pair.frozen->steps);
    steps += pair.frozen->steps;
  }
  EXPECT_DOUBLE_EQ(comparison->frozen->steps_mean, steps / 3);
  EXPECT_DOUBLE_EQ(
      comparison->frozen->score,
      100 * (comparison->frozen->mean + 20.272305) / (3234.3 + 20.272305));
}

TEST(ChooseEnvironmentTest, TheOptionComesBeforeTheModelsOwn) {
  RunOptions options;
  EXPECT_EQ(*ChooseEnvironment(HopperModel(), options), "Hopper-v4");
  options.environment = "Walker2d-v4";
  EXPECT_EQ(*ChooseEnvironment(HopperModel(), options), "Walker2d-v4");
}

TEST(ChooseEnvironmentTest, AModelThatDoesNotSayNeedsTheOption) {
  v1::Model model = HopperModel();
  model.clear_environment();
  EXPECT_EQ(ChooseEnvironment(model, RunOptions()).status(),
            absl::FailedPreconditionError(
                "model \"hopper\" does not say which environment it is for: "
                "choose one with --environment (HalfCheetah-v4, Hopper-v4, "
                "Walker2d-v4)"));
}

TEST(CheckFitsTest, AModelForAnotherEnvironmentIsRefused) {
  EnvironmentSpec hopper;
  hopper.name = "Hopper-v4";
  hopper.observation_size = 11;
  hopper.action_size = 3;
  EXPECT_EQ(
      CheckFits(FakeAdaptationServer::HalfCheetahModel("cheetah"), hopper),
      absl::FailedPreconditionError(
          "model \"cheetah\" is for another environment: it takes 17 "
          "observations and gives 6 actions, Hopper-v4 has 11 and 3 (choose "
          "with --model and --environment)"));
  hopper.observation_size = 17;  // Both sizes must fit.
  EXPECT_FALSE(
      CheckFits(FakeAdaptationServer::HalfCheetahModel("cheetah"), hopper)
          .ok());
}

}  // namespace
}  // namespace foresight
