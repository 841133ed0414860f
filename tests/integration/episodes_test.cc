// Real episodes on servers that are restarted and killed: real physics, the
// client library, foresight-server, Redis and HAProxy. Each return must equal
// that of an undisturbed episode, to the bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/environments/environment.h"
#include "client/run/episode.h"
#include "client/run/shared_stream.h"
#include "foresight/adaptation_client.h"
#include "tests/integration/replica.h"
#include "tests/support/redis_server.h"

namespace foresight {
namespace {

constexpr char kBundle[] =
    FORESIGHT_SOURCE_DIR "/tests/data/reference-halfcheetah";
constexpr int kEpisodes = 16;
constexpr uint64_t kSeed = 1000;
// The number of steps from one disturbance to the next.
constexpr int kStretch = 30;
constexpr absl::Duration kPatience = absl::Seconds(30);

// Keeps episodes and disturbances in step, however fast the machine is: each
// disturbance lets the episodes play one more stretch, and the next disturbance
// waits until all of them have played half of it.
//
// Thread-safe.
class Pace {
 public:
  // An episode has played `steps` steps.
  void Step(int episode, int steps) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    steps_[episode] = steps;
    const auto may_go_on = [this, steps]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return steps < kStretch * (begun_ + 1) || free_;
    };
    mutex_.Await(absl::Condition(&may_go_on));
  }

  // Waits until all episodes have played half of the next stretch, so that the
  // disturbance comes in its middle. Returns false if that takes too long.
  bool AwaitNext() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const int least = kStretch * begun_ + kStretch / 2;
    const auto all_are_there = [this, least]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const int steps : steps_) {
        if (steps < least) return false;
      }
      return true;
    };
    const bool there =
        mutex_.AwaitWithTimeout(absl::Condition(&all_are_there), kPatience);
    ++begun_;
    return there;
  }

  // Nothing disturbs the episodes any more.
  void Free() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    free_ = true;
  }

 private:
  absl::Mutex mutex_;
  std::vector<int> steps_ ABSL_GUARDED_BY(mutex_) = std::vector<int>(kEpisodes,
                                                                     0);
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;  // Disturbances.
  bool free_ ABSL_GUARDED_BY(mutex_) = false;
};

using Disturbance = std::function<void()>;
using Returns = std::vector<double>;

class EpisodesTest : public ::testing::Test {
 protected:
  void StartTwo(std::vector<std::string> more = {}) {
    for (int i = 0; i < 2; ++i) {
      std::vector<std::string> command = {
          std::string(FORESIGHT_BUILD_DIR) + "/bin/foresight-server",
          "--model",
          kBundle,
          "--state",
          redis_.uri(),
          "--durability",
          "each"};
      command.insert(command.end(), more.begin(), more.end());
      replicas_.push_back(std::make_unique<Replica>(std::move(command)));
    }
  }
  std::string addresses() const {
    return absl::StrCat(replicas_[0]->address(), ",", replicas_[1]->address());
  }

  // Plays all episodes at once. Meanwhile causes `disturbances` one after
  // another; the episodes go on for a while after the last. Fails if a decision
  // fails.
  Returns Play(const std::string& server, bool over_streams,
               const std::vector<Disturbance>& disturbances) {
    Returns returns(kEpisodes);
    const auto client = AdaptationClient::Connect(server);
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return returns;
    SharedStream streams(*client);
    RunOptions options;
    options.max_steps = kMostSteps;
    options.settings.set_particles(2);
    Pace pace;
    if (disturbances.empty()) pace.Free();
    Cancellation cancellation;
    std::vector<std::thread> threads;
    threads.reserve(kEpisodes);
    for (int i = 0; i < kEpisodes; ++i) {
      threads.emplace_back([&, i] {
        const auto environment = MakeEnvironment("HalfCheetah-v4");
        ASSERT_TRUE(environment.ok()) << environment.status();
        int steps = 0;
        const auto result = PlayEpisode(
            *client, /*model=*/"", **environment, {kSeed + i, /*adapt=*/true},
            options, over_streams ? &streams : nullptr, cancellation,
            [&] { pace.Step(i, ++steps); });
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->steps, kMostSteps);
        EXPECT_EQ(result->steps_done_mean, 1);
        EXPECT_EQ(result->late, 0) << "decisions came too late";
        returns[i] = result->episode_return;
      });
    }
    for (const Disturbance& disturb : disturbances) {
      EXPECT_TRUE(pace.AwaitNext()) << "the episodes do not go on";
      disturb();
    }
    pace.Free();
    for (std::thread& thread : threads) thread.join();
    return returns;
  }

  // A restart of each replica, and then a kill of each.
  std::vector<Disturbance> RestartsAndKills(
      const std::function<void(const Replica&)>& after) const {
    std::vector<Disturbance> disturbances;
    for (const int signal : {SIGTERM, SIGKILL}) {
      for (const auto& replica : replicas_) {
        disturbances.push_back([signal, &replica = *replica, after] {
          const CommandResult ended = replica.End(signal);
          EXPECT_EQ(ended.exit_code, signal == SIGTERM ? 0 : 128 + SIGKILL)
              << ended.errors;
          replica.Start();
          after(replica);
        });
      }
    }
    return disturbances;
  }

  static constexpr int kMostSteps = 5 * kStretch;

  RedisServer redis_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

TEST_F(EpisodesTest, NeitherRestartsNorKillsChangeAReturn) {
  StartTwo();
  const Returns undisturbed = Play(addresses(), /*over_streams=*/false, {});
  for (const bool over_streams : {false, true}) {
    SCOPED_TRACE(over_streams);
    EXPECT_EQ(Play(addresses(), over_streams,
                   RestartsAndKills(/*after=*/[](const Replica&) {})),
              undisturbed);
  }
}

TEST_F(EpisodesTest, NorDoTheyBehindHaproxy) {
  StartTwo({"--shutdown-notice", "600ms"});
  const Returns undisturbed = Play(addresses(), /*over_streams=*/false, {});
  const std::string proxy = absl::StrCat("127.0.0.1:", FreePort());
  const auto haproxy = StartHaproxy(proxy, *replicas_[0], *replicas_[1]);
  const auto prober = AdaptationClient::Connect(proxy);
  ASSERT_TRUE(prober.ok()) << prober.status();
  // Wait until HAProxy gives sessions to the replica that came back, so that
  // a replica is left when the next one goes.
  const auto await_sessions = [&](const Replica& replica) {
    std::vector<absl::StatusOr<RemoteSession>> probes;
    const absl::Time give_up = absl::Now() + kPatience;
    while (replica.Metric("foresight_sessions") < 1) {
      ASSERT_LT(absl::Now(), give_up);
      probes.push_back(prober->OpenSession());
      EXPECT_TRUE(probes.back().ok()) << probes.back().status();
      absl::SleepFor(absl::Milliseconds(20));
    }
  };
  EXPECT_EQ(Play(proxy, /*over_streams=*/false,
                 RestartsAndKills(/*after=*/await_sessions)),
            undisturbed);
}

TEST_F(EpisodesTest, ARedisThatLosesEverythingChangesNoReturn) {
  StartTwo();
  const Returns undisturbed = Play(addresses(), /*over_streams=*/false, {});
  const Disturbance restart = [this] {
    redis_.End(SIGKILL);
    redis_.Start();
  };
  EXPECT_EQ(Play(addresses(), /*over_streams=*/false, {restart, restart}),
            undisturbed);
}

}  // namespace
}  // namespace foresight
