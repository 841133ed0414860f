#include "server/durability/redis_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <signal.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/support/clock.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/redis_server.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = StateChange::Kind;

StateChange Change(Kind kind, KeptName name, uint64_t next = 0) {
  StateChange change{kind, std::move(name), {}, {}, ""};
  change.session.set_session_id("a");
  change.session.set_next_decision(next);
  change.session.mutable_idle_timeout()->set_seconds(30);
  change.decision.mutable_answer()->set_decision_index(next);
  return change;
}
StateChange Create(KeptName name) { return Change(Kind::kCreate, name); }
StateChange Replace(KeptName name, uint64_t next) {
  return Change(Kind::kReplace, name, next);
}
StateChange Append(KeptName name, uint64_t decision) {
  return Change(Kind::kAppend, name, decision);
}
StateChange Remove(KeptName name) { return Change(Kind::kRemove, name); }

class RedisStoreTest : public ::testing::Test {
 protected:
  static RedisStore::Options Eager() {
    RedisStore::Options options;
    options.pause = absl::ZeroDuration();
    return options;
  }
  RedisStore Open(RedisStore::Options options = Eager()) {
    return RedisStore(*ParseRedisAddress(redis_.uri()), options);
  }
  // How many of the changes were refused.
  static size_t Fenced(RedisStore& store,
                       const std::vector<StateChange>& changes) {
    const auto written = store.Write(changes);
    EXPECT_TRUE(written.ok()) << written.status();
    EXPECT_FALSE(written.ok() && written->missing);
    return written.ok() ? written->fenced.size() : 0;
  }
  static void MustWrite(RedisStore& store,
                        const std::vector<StateChange>& changes) {
    EXPECT_EQ(Fenced(store, changes), 0u);
  }
  static KeptSession MustTake(RedisStore& store) {
    const auto taken = store.TakeOver("a", nullptr);
    EXPECT_TRUE(taken.ok()) << taken.status();
    return taken.ok() && taken->has_value() ? **taken : KeptSession();
  }

  RedisServer redis_;
};

TEST_F(RedisStoreTest, ASessionAndItsDecisionsAreTakenOver) {
  RedisStore store = Open(), other = Open();
  const std::string key("id\nwith \0 bytes", 15);
  StateChange create = Create({key, 7, 1});
  StateChange append = Append({key, 7, 1}, 0);
  append.decision.add_observation(0.25f);
  MustWrite(store, {create, append, Append({key, 7, 1}, 1)});
  const auto taken = other.TakeOver(key, nullptr);
  ASSERT_TRUE(taken.ok()) << taken.status();
  const KeptSession& kept = **taken;
  EXPECT_EQ(kept.name.key, key);
  EXPECT_EQ(kept.name.incarnation, 7u);
  EXPECT_EQ(kept.name.epoch, 2u);
  EXPECT_EQ(kept.session.epoch(), 1u);
  ASSERT_EQ(kept.decisions.size(), 2u);
  EXPECT_EQ(kept.decisions[0].observation(0), 0.25f);
  EXPECT_EQ(kept.decisions[1].answer().decision_index(), 1u);
}

TEST_F(RedisStoreTest, AfterATakeOverTheFormerOwnerIsRefused) {
  RedisStore old = Open(), other = Open();
  MustWrite(old, {Create({"a", 7, 1})});
  EXPECT_EQ(MustTake(other).name.epoch, 2u);
  EXPECT_EQ(Fenced(old, {Append({"a", 7, 1}, 0), Replace({"a", 7, 1}, 1),
                         Remove({"a", 7, 1})}),
            3u);
  MustWrite(other, {Append({"a", 7, 2}, 0)});
  EXPECT_EQ(MustTake(old).decisions.size(), 1u);
}

TEST_F(RedisStoreTest, TheLaterOfTwoTakeOversHasTheSession) {
  RedisStore first = Open(), second = Open();
  MustWrite(first, {Create({"a", 7, 1})});
  EXPECT_EQ(MustTake(first).name.epoch, 2u);
  EXPECT_EQ(MustTake(second).name.epoch, 3u);
  EXPECT_EQ(Fenced(first, {Append({"a", 7, 2}, 0)}), 1u);
  MustWrite(second, {Append({"a", 7, 3}, 0)});
}

TEST_F(RedisStoreTest, TheTenthOwnerIsLaterThanTheNinth) {
  RedisStore ninth = Open(), tenth = Open();
  MustWrite(ninth, {Create({"a", 7, 8})});
  EXPECT_EQ(MustTake(ninth).name.epoch, 9u);
  EXPECT_EQ(MustTake(tenth).name.epoch, 10u);
  EXPECT_EQ(Fenced(ninth, {Append({"a", 7, 9}, 0)}), 1u);
  MustWrite(tenth, {Append({"a", 7, 10}, 0)});
  const KeptName behind = {"a", 7, 9};
  EXPECT_TRUE(ninth.TakeOver("a", &behind)->has_value());
}

TEST_F(RedisStoreTest, TheOwnersEpochCountsAfterTheStoreHasComeBackOlder) {
  RedisStore owner = Open(), old = Open();
  MustWrite(old, {Create({"a", 7, 1})});  // What came back.
  MustWrite(owner, {Append({"a", 7, 3}, 0)});
  EXPECT_EQ(Fenced(old, {Append({"a", 7, 2}, 1)}), 1u);
}

TEST_F(RedisStoreTest, AmongManyChangesTheRefusedOneIsNamed) {
  RedisStore store = Open(), other = Open();
  MustWrite(other, {Create({"a", 7, 1})});
  std::vector<StateChange> changes;
  for (int i = 0; i < 600; ++i) {
    changes.push_back(Create({absl::StrCat("session-", i), 1, 1}));
  }
  changes.push_back(Create({"a", 8, 1}));
  const auto written = store.Write(changes);
  ASSERT_TRUE(written.ok()) << written.status();
  ASSERT_EQ(written->fenced.size(), 1u);
  EXPECT_EQ(written->fenced[0].key, "a");
}

TEST_F(RedisStoreTest, AnOwnerFindsThatItIsOne) {
  RedisStore store = Open();
  MustWrite(store, {Create({"a", 7, 1})});
  const KeptName local = {"a", 7, 1}, other = {"a", 8, 1};
  const auto own = store.TakeOver("a", &local);
  ASSERT_TRUE(own.ok());
  EXPECT_FALSE(own->has_value());
  EXPECT_TRUE(store.TakeOver("a", &other)->has_value());
}

TEST_F(RedisStoreTest, ANameIsTakenUntilItsSessionIsClosed) {
  RedisStore store = Open(), other = Open();
  MustWrite(store, {Create({"a", 7, 1})});
  EXPECT_EQ(Fenced(other, {Create({"a", 8, 1}), Replace({"a", 8, 1}, 1),
                           Append({"a", 8, 1}, 0), Remove({"a", 8, 1})}),
            4u);
  MustWrite(store, {Create({"a", 7, 1})});  // The answer was lost.
  MustWrite(store, {Remove({"a", 7, 1})});
  EXPECT_TRUE(absl::IsNotFound(other.TakeOver("a", nullptr).status()));
  MustWrite(other, {Create({"a", 8, 1})});
}

TEST_F(RedisStoreTest, NobodyBringsAClosedSessionBack) {
  RedisStore store = Open();
  MustWrite(store, {Create({"a", 7, 1}), Remove({"a", 7, 1})});
  EXPECT_EQ(Fenced(store, {Append({"a", 7, 1}, 0), Replace({"a", 7, 1}, 1)}),
            2u);
  // A later session may have the same name.
  MustWrite(store, {Replace({"a", 8, 1}, 1)});
}

TEST_F(RedisStoreTest, ADecisionAfterAGapIsRefused) {
  RedisStore store = Open();
  MustWrite(store, {Create({"a", 7, 1}), Append({"a", 7, 1}, 0)});
  const auto gap = store.Write({Append({"a", 7, 1}, 2)});
  ASSERT_TRUE(gap.ok());
  EXPECT_TRUE(gap->missing);
  MustWrite(store, {Replace({"a", 7, 1}, 3), Append({"a", 7, 1}, 3)});
  EXPECT_EQ(MustTake(store).decisions.size(), 1u);
}

TEST_F(RedisStoreTest, ATakenSessionMayBeForgotten) {
  RedisStore::Options forgetting = Eager();
  forgetting.forget_taken = true;
  RedisStore store = Open(forgetting), other = Open(forgetting);
  MustWrite(store, {Create({"a", 7, 1})});
  EXPECT_EQ(MustTake(other).name.epoch, 2u);
  EXPECT_TRUE(absl::IsNotFound(store.TakeOver("a", nullptr).status()));
  EXPECT_EQ(Fenced(store, {Replace({"a", 7, 1}, 0)}), 1u);
  MustWrite(other, {Replace({"a", 7, 2}, 5)});
  EXPECT_EQ(MustTake(store).session.next_decision(), 5u);
  // Another session of that name, which this store does not know.
  MustWrite(other, {Replace({"a", 9, 1}, 6)});
  EXPECT_EQ(MustTake(store).session.next_decision(), 6u);
}

TEST_F(RedisStoreTest, ADamagedSessionIsSetAside) {
  RedisStore store = Open();
  MustWrite(store, {Create({"a", 7, 1})});
  auto raw =
      RedisConnection::Open(*ParseRedisAddress(redis_.uri()), absl::Seconds(1));
  ASSERT_TRUE(raw.ok());
  ASSERT_TRUE((*raw)
                  ->Run({RedisCommand{"HSET", "foresight:session:a", "session",
                                      "foresight-session/1\nnonsense"}})
                  .ok());
  EXPECT_TRUE(absl::IsDataLoss(store.TakeOver("a", nullptr).status()));
  EXPECT_TRUE(absl::IsNotFound(store.TakeOver("a", nullptr).status()));
  MustWrite(store, {Create({"a", 8, 1})});
}

TEST_F(RedisStoreTest, KeptStateExpiresAfterItsSessionWould) {
  RedisStore store = Open();
  MustWrite(store, {Create({"a", 7, 1}), Append({"a", 7, 1}, 0)});
  auto raw =
      RedisConnection::Open(*ParseRedisAddress(redis_.uri()), absl::Seconds(1));
  ASSERT_TRUE(raw.ok());
  for (const bool taken : {false, true}) {
    for (const char* key : {"foresight:session:a", "foresight:decisions:a"}) {
      const auto replies = (*raw)->Run(
          {RedisCommand{"PTTL", key}, RedisCommand{"PEXPIRE", key, "20000"}});
      ASSERT_TRUE(replies.ok());
      EXPECT_GT((*replies)[0]->integer, 31000) << key << taken;
      EXPECT_LE((*replies)[0]->integer, 90000) << key << taken;
    }
    MustTake(store);  // Its time to live begins again.
  }
}

TEST_F(RedisStoreTest, AStoreThatHangsOrEndsIsAnErrorAndComesBack) {
  RedisStore::Options options = Eager();
  options.timeout = absl::Seconds(1);
  RedisStore store = Open(options);
  MustWrite(store, {Create({"a", 7, 1})});
  redis_.Signal(SIGSTOP);
  EXPECT_TRUE(absl::IsUnavailable(store.Write({}).status()));
  redis_.Signal(SIGCONT);
  MustWrite(store, {Append({"a", 7, 1}, 0)});
  redis_.End(SIGKILL);
  EXPECT_TRUE(absl::IsUnavailable(store.Write({}).status()));
  EXPECT_THAT(std::string(store.Write({}).status().message()),
              HasSubstr(redis_.uri()));
  redis_.Start();  // It has no file, so everything is lost.
  const auto lost = store.Write({Append({"a", 7, 1}, 1)});
  ASSERT_TRUE(lost.ok()) << lost.status();
  EXPECT_TRUE(lost->missing);
  MustWrite(store, {Replace({"a", 7, 1}, 2)});
}

TEST_F(RedisStoreTest, AfterAnErrorItRestsForAWhile) {
  RedisStore::Options options;
  options.pause = absl::Hours(1);
  RedisStore store = Open(options);
  redis_.End(SIGKILL);
  EXPECT_TRUE(absl::IsUnavailable(store.Write({}).status()));
  redis_.Start();
  EXPECT_TRUE(absl::IsUnavailable(store.Write({}).status()));
}

TEST_F(RedisStoreTest, ALargeSessionAndManyChangesPass) {
  RedisStore store = Open();
  StateChange large = Create({"a", 7, 1});
  for (int i = 0; i < 300000; ++i) large.session.add_parameters(1.5f);
  std::vector<StateChange> changes = {large};
  for (int i = 0; i < 1000; ++i) changes.push_back(Append({"a", 7, 1}, i));
  MustWrite(store, changes);
  const KeptSession kept = MustTake(store);
  EXPECT_EQ(kept.session.parameters_size(), 300000);
  EXPECT_EQ(kept.decisions.size(), 1000u);
}

TEST(RedisStoreSecurityTest, APasswordIsAskedFor) {
  RedisServer redis({"--requirepass", "word"});
  const std::string place = absl::StrCat("127.0.0.1:", redis.port());
  for (const std::string& uri : {"redis://" + place, "redis://:other@" + place,
                                 "redis://me:word@" + place}) {
    RedisStore store(*ParseRedisAddress(uri), {});
    const absl::Status status = store.Write({}).status();
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << uri << status;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("word@")));
  }
  RedisStore store(*ParseRedisAddress("redis://:word@" + place), {});
  EXPECT_TRUE(store.Write({}).ok());
}

class RedisStoreTlsTest : public ::testing::Test {
 protected:
  RedisStoreTlsTest() {
    const auto issued = authority_.IssueServer();
    Save("key", issued.key);
    Save("certificate", issued.certificate);
    Save("ca", authority_.certificate());
    Save("other", CertificateAuthority("other").certificate());
  }
  void Save(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
  }
  std::string Path(const std::string& name) {
    return (folder_.path() / name).string();
  }
  absl::Status Ask(const std::string& uri, const std::string& ca) {
    RedisAddress address = *ParseRedisAddress(uri);
    address.ca_file = Path(ca);
    RedisStore store(address, {});
    return store.Write({}).status();
  }

  TemporaryFolder folder_;
  CertificateAuthority authority_{"ca"};
};

TEST_F(RedisStoreTlsTest, OnlyAKnownAuthoritysServerIsTrusted) {
  RedisServer redis({"--port", "0", "--tls-port", "PORT", "--tls-cert-file",
                     Path("certificate"), "--tls-key-file", Path("key"),
                     "--tls-ca-cert-file", Path("ca"), "--tls-auth-clients",
                     "no"});
  const std::string numeric =
      absl::StrReplaceAll(redis.uri(), {{"redis", "rediss"}});
  const std::string named =
      absl::StrReplaceAll(numeric, {{"127.0.0.1", "localhost"}});
  EXPECT_TRUE(Ask(numeric, "ca").ok()) << Ask(numeric, "ca");
  EXPECT_TRUE(Ask(named, "ca").ok()) << Ask(named, "ca");
  EXPECT_THAT(std::string(Ask(named, "other").message()),
              HasSubstr("certificate verify failed"));
  EXPECT_TRUE(absl::IsUnavailable(Ask(redis.uri(), "ca")));  // Plain text.
  EXPECT_TRUE(absl::IsUnavailable(Ask(named, "none")));
}

TEST_F(RedisStoreTlsTest, ACertificateForAnotherAddressIsNotTrusted) {
  CertificateAuthority::Request request;
  request.alternative_names = "DNS:redis.example,IP:127.0.0.9";
  const auto issued = authority_.Issue(request);
  Save("other-key", issued.key);
  Save("other-certificate", issued.certificate);
  RedisServer redis({"--port", "0", "--tls-port", "PORT", "--tls-cert-file",
                     Path("other-certificate"), "--tls-key-file",
                     Path("other-key"), "--tls-ca-cert-file", Path("ca"),
                     "--tls-auth-clients", "no"});
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const absl::Status status =
        Ask(absl::StrReplaceAll(redis.uri(),
                                {{"redis", "rediss"}, {"127.0.0.1", host}}),
            "ca");
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("certificate verify failed"))
        << host;
  }
}

}  // namespace
}  // namespace foresight
