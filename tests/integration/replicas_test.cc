// Servers that share a Redis: sessions go on at another one, whatever happens
// to the first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"
#include "tests/integration/program_test.h"
#include "tests/integration/replica.h"
#include "tests/support/redis_server.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReplicasTest : public ProgramTest {
 protected:
  std::unique_ptr<Replica> StartReplica(const std::string& durability,
                                        std::vector<std::string> more = {}) {
    std::vector<std::string> options = {"--model",      Path("random"),
                                        "--state",      redis_->uri(),
                                        "--durability", durability};
    options.insert(options.end(), more.begin(), more.end());
    return std::make_unique<Replica>(Command(options));
  }
  void StartTwo(const std::string& durability,
                std::vector<std::string> more = {}) {
    for (int i = 0; i < 2; ++i) {
      replicas_.push_back(StartReplica(durability, more));
    }
  }
  absl::StatusOr<AdaptationClient> Connect() {
    return AdaptationClient::Connect(
        proxy_.empty() ? absl::StrCat(replicas_[0]->address(), ",",
                                      replicas_[1]->address())
                       : proxy_);
  }
  static SessionOptions Named(const std::string& id) {
    SessionOptions options;
    options.session_id = id;
    options.seed = Opening(id).seed();
    options.settings = Opening(id).settings();
    return options;
  }
  static v1::OpenSessionRequest Opening(const std::string& id) {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    request.set_seed(7);
    request.mutable_settings()->set_steps(2);
    request.mutable_settings()->set_step_size(0.01f);
    return request;
  }
  static v1::ActRequest Observed(const std::string& id, uint64_t decision,
                                 uint64_t epoch = 0) {
    v1::ActRequest request;
    request.set_session_id(id);
    request.set_decision_index(decision);
    request.set_epoch(epoch);
    for (int i = 0; i < kObservationSize; ++i) {
      request.add_observation(0.1f * static_cast<float>(decision % 7 + i));
    }
    return request;
  }
  static grpc::Status Act(Replica& replica, const v1::ActRequest& request,
                          v1::ActResponse* response) {
    return replica.stub().Act(Patient().get(), request, response);
  }
  static void MustOpen(Replica& replica, const std::string& id) {
    v1::Session session;
    const auto status =
        replica.stub().OpenSession(Patient().get(), Opening(id), &session);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  static v1::ActResponse MustAct(Replica& replica, const std::string& id,
                                 uint64_t decision, uint64_t epoch = 0) {
    v1::ActResponse response;
    const auto status = Act(replica, Observed(id, decision, epoch), &response);
    EXPECT_TRUE(status.ok()) << decision << ": " << status.error_message();
    return response;
  }

  // A closed loop whose observation depends on the last action, as an
  // environment's does, so that its actions show every disturbance. Returns an
  // error if a decision fails.
  struct Played {
    std::vector<float> actions;
    int epochs = 0;  // Changes of the epoch that the loop has seen.
  };
  static absl::StatusOr<Played> Play(const AdaptationClient& client,
                                     const std::string& id, int steps,
                                     absl::Duration pause) {
    auto session = client.OpenSession(Named(id));
    if (!session.ok()) return session.status();
    std::vector<float> observation(kObservationSize, 0.3f);
    Played played;
    uint64_t epoch = 1;
    for (int n = 0; n < steps; ++n) {
      const auto answer = session->Act(observation);
      if (!answer.ok()) return answer.status();
      if (answer->decision_index() != static_cast<uint64_t>(n)) {
        return absl::InternalError(absl::StrCat(
            "decision ", answer->decision_index(), ", expected ", n));
      }
      played.epochs += answer->epoch() != epoch ? 1 : 0;
      epoch = answer->epoch();
      for (int i = 0; i < kObservationSize; ++i) {
        const float action = answer->action(i % answer->action_size());
        observation[i] = 0.9f * observation[i] + 0.2f * action;
        played.actions.push_back(action);
      }
      absl::SleepFor(pause);
    }
    return played;
  }
  static std::string LoopName(int loop) { return absl::StrCat("loop-", loop); }

  // Plays `loops` at once while `disturb` runs; each must end like an
  // undisturbed loop. Returns how many changes of epoch they saw.
  int PlayDisturbed(int loops, int steps, absl::Duration pause,
                    const std::function<void()>& disturb) {
    const auto client = Connect();
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return 0;
    const auto undisturbed =
        Play(*client, "undisturbed", steps, absl::ZeroDuration());
    EXPECT_TRUE(undisturbed.ok()) << undisturbed.status();
    if (!undisturbed.ok()) return 0;
    EXPECT_EQ(undisturbed->epochs, 0);
    std::vector<absl::StatusOr<Played>> played(
        loops, absl::StatusOr<Played>(absl::UnknownError("not played")));
    std::vector<std::thread> threads;
    for (int loop = 0; loop < loops; ++loop) {
      threads.emplace_back([&, loop] {
        played[loop] = Play(*client, LoopName(loop), steps, pause);
      });
    }
    disturb();
    int epochs = 0;
    for (int loop = 0; loop < loops; ++loop) {
      threads[loop].join();
      EXPECT_TRUE(played[loop].ok()) << loop << ": " << played[loop].status();
      if (!played[loop].ok() || !undisturbed.ok()) continue;
      EXPECT_EQ(played[loop]->actions, undisturbed->actions) << loop;
      epochs += played[loop]->epochs;
    }
    return epochs;
  }

  std::unique_ptr<RedisServer> redis_ = std::make_unique<RedisServer>();
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::string proxy_;  // Not empty: clients go through it.
};

TEST_F(ReplicasTest, ARollingRestartDisturbsNoLoop) {
  for (const std::string durability : {"each", "interval", "none"}) {
    replicas_.clear();
    // A new store, which does not know the loops' names yet.
    redis_ = std::make_unique<RedisServer>();
    StartTwo(durability);
    const int epochs =
        PlayDisturbed(16, /*steps=*/60, absl::Milliseconds(50), [&] {
          for (const auto& replica : replicas_) {
            absl::SleepFor(absl::Milliseconds(400));
            const CommandResult ended = replica->End(SIGTERM);
            EXPECT_EQ(ended.exit_code, 0) << ended.errors;
            replica->Start();
          }
        });
    // Each session was moved at least once.
    EXPECT_GE(epochs, 16) << durability;
  }
}

TEST_F(ReplicasTest, AKillOfEachDisturbsNoLoopWhenEachDecisionIsKept) {
  StartTwo("each");
  const int epochs =
      PlayDisturbed(16, /*steps=*/60, absl::Milliseconds(50), [&] {
        for (const auto& replica : replicas_) {
          absl::SleepFor(absl::Milliseconds(400));
          replica->End(SIGKILL);
          absl::SleepFor(absl::Milliseconds(200));
          replica->Start();
        }
      });
  EXPECT_GE(epochs, 16);
}

TEST_F(ReplicasTest, BehindHaproxyNeitherRestartsNorKillsDisturbALoop) {
  for (int i = 0; i < 2; ++i) {
    replicas_.push_back(StartReplica("each", {"--shutdown-notice", "600ms"}));
  }
  proxy_ = absl::StrCat("127.0.0.1:", FreePort());
  const std::unique_ptr<RunningCommand> haproxy =
      StartHaproxy(proxy_, *replicas_[0], *replicas_[1]);
  const int epochs =
      PlayDisturbed(16, /*steps=*/100, absl::Milliseconds(50), [&] {
        for (const int signal : {SIGTERM, SIGKILL}) {
          for (const auto& replica : replicas_) {
            replica->End(signal);
            replica->Start();
            absl::SleepFor(absl::Milliseconds(800));  // HAProxy must see it.
          }
        }
      });
  EXPECT_GE(epochs, 16);
}

TEST_F(ReplicasTest, DecisionsLostByAKillAreCountedAndTheLoopGoesOn) {
  StartTwo("interval", {"--durability-interval", "10m"});
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  auto session = client->OpenSession(Named("a"));
  ASSERT_TRUE(session.ok()) << session.status();
  const std::vector<float> observation(kObservationSize, 0.3f);
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(session->Act(observation).ok());
  replicas_[session->replica()]->End(SIGKILL);
  // An opening is stored at once, as another server may have that name.
  const auto answer = session->Act(observation);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->decision_index(), 0u);
  EXPECT_TRUE(answer->report().has_resumed_from());
  EXPECT_EQ(session->lost_decisions(), 5);
}

TEST_F(ReplicasTest, AnOwnerThatWakesUpIsRefused) {
  for (const std::string durability : {"each", "interval"}) {
    replicas_.clear();
    StartTwo(durability, {"--durability-interval", "20ms"});
    Replica &old = *replicas_[0], &other = *replicas_[1];
    const std::string id = "sleeper-" + durability;
    MustOpen(old, id);
    const auto await_kept = [] { absl::SleepFor(absl::Milliseconds(200)); };
    MustAct(old, id, 0);
    await_kept();
    old.Signal(SIGSTOP);
    const v1::ActResponse taken = MustAct(other, id, 1, /*epoch=*/1);
    EXPECT_EQ(taken.epoch(), 2u);
    // The next request waits in the old server's socket.
    std::thread waking([&] {
      absl::SleepFor(absl::Milliseconds(100));
      old.Signal(SIGCONT);
    });
    v1::ActResponse response;
    v1::ActRequest different = Observed(id, 1);
    different.set_observation(0, 9);
    const grpc::Status stale = Act(old, different, &response);
    waking.join();
    if (durability == "each") {
      // The old server's write was refused, so it gave no answer.
      EXPECT_EQ(stale.error_code(), grpc::StatusCode::ABORTED)
          << stale.error_message();
    } else if (stale.ok()) {
      EXPECT_EQ(response.epoch(), 1u) << "which clients ignore";
    }
    // The new owner knows nothing of that decision.
    EXPECT_EQ(MustAct(other, id, 2, 2).epoch(), 2u);
    await_kept();
    // A client that has seen a newer epoch gets the newest state even from the
    // old server.
    EXPECT_EQ(MustAct(old, id, 3, 2).epoch(), 3u);
    await_kept();
    EXPECT_EQ(MustAct(other, id, 4, 3).epoch(), 4u);
  }
}

TEST_F(ReplicasTest, OneOfTwoClientsGetsANameAndTheOtherIsTold) {
  StartTwo("interval");
  MustOpen(*replicas_[0], "a");
  v1::Session session;
  const grpc::Status second =
      replicas_[1]->stub().OpenSession(Patient().get(), Opening("a"), &session);
  EXPECT_EQ(second.error_code(), grpc::StatusCode::ALREADY_EXISTS)
      << second.error_message();
  MustAct(*replicas_[0], "a", 0);
  // Once the session is closed, through either server, the name is free.
  v1::CloseSessionRequest close;
  close.set_session_id("a");
  v1::CloseSessionResponse closed;
  EXPECT_TRUE(
      replicas_[1]->stub().CloseSession(Patient().get(), close, &closed).ok());
  MustOpen(*replicas_[1], "a");
}

TEST_F(ReplicasTest, AStoreThatHangsOrEndsHoldsNobodyUp) {
  replicas_.push_back(StartReplica("each"));
  Replica& replica = *replicas_[0];
  MustOpen(replica, "a");
  EXPECT_FALSE(MustAct(replica, "a", 0).report().not_kept());
  const auto await = [&](double up) {
    const absl::Time give_up = absl::Now() + kPatience;
    while (replica.Metric("foresight_journal_up") != up) {
      ASSERT_LT(absl::Now(), give_up);
      absl::SleepFor(absl::Milliseconds(20));
    }
  };
  uint64_t n = 1;
  for (const bool hangs : {true, false}) {
    hangs ? redis_->Signal(SIGSTOP) : redis_->End(SIGKILL);
    EXPECT_TRUE(MustAct(replica, "a", n++).report().not_kept());
    EXPECT_TRUE(MustAct(replica, "a", n++).report().not_kept());
    await(0);
    // The server does not know session "b", but the store may.
    v1::ActResponse response;
    const grpc::Status unknown = Act(replica, Observed("b", 0), &response);
    EXPECT_EQ(unknown.error_code(), grpc::StatusCode::UNAVAILABLE);
    v1::Session session;
    EXPECT_TRUE(replica.stub()
                    .OpenSession(Patient().get(),
                                 Opening(absl::StrCat("new-", hangs)), &session)
                    .ok());
    hangs ? redis_->Signal(SIGCONT) : redis_->Start();
    await(1);
    EXPECT_FALSE(MustAct(replica, "a", n++).report().not_kept());
  }
  EXPECT_GE(replica.Metric("foresight_journal_failures_total"), 2);
  // The session was stored again, with all decisions made meanwhile.
  replica.End(SIGKILL);
  replica.Start();
  EXPECT_EQ(MustAct(replica, "a", n).report().resumed_from(), n);
}

TEST_F(ReplicasTest, ARedisThatComesBackWithItsFileHasTheSessions) {
  redis_ = std::make_unique<RedisServer>(std::vector<std::string>{
      "--appendonly", "yes", "--appendfsync", "always"});
  replicas_.push_back(StartReplica("each"));
  Replica& replica = *replicas_[0];
  MustOpen(replica, "a");
  for (uint64_t n = 0; n < 3; ++n) {
    EXPECT_FALSE(MustAct(replica, "a", n).report().not_kept());
  }
  // Only the file has the session now.
  replica.End(SIGKILL);
  redis_->End(SIGKILL);
  redis_->Start();
  replica.Start();
  EXPECT_EQ(MustAct(replica, "a", 3).report().resumed_from(), 3u);
}

TEST_F(ReplicasTest, AServerStartsWithoutItsStoreButNotWithAWrongPassword) {
  redis_->End(SIGKILL);
  replicas_.push_back(StartReplica("each"));
  MustOpen(*replicas_[0], "a");
  EXPECT_TRUE(MustAct(*replicas_[0], "a", 0).report().not_kept());
  EXPECT_THAT(replicas_[0]->End(SIGTERM).errors,
              HasSubstr("state is not kept"));
  RedisServer locked({"--requirepass", "word"});
  const CommandResult refused = RunCommand(Command(
      Serving({"--model", Path("random"), "--state",
               absl::StrReplaceAll(locked.uri(), {{"//", "//:secret@"}})})));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("WRONGPASS"));
  EXPECT_THAT(refused.errors, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace foresight
