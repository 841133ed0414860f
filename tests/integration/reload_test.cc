// Models are replaced while control loops run. By hand, at full length:
//   FORESIGHT_RELOADS=50 FORESIGHT_RELOAD_LOOPS=32
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/administered_test.h"
#include "tests/support/memory_trend.h"

namespace foresight {
namespace {

using ::testing::AnyOf;

constexpr int kDecisions = 8;  // Per episode.
constexpr int64_t kKiB = 1 << 10;
// A generation of the models here takes some 600 KiB, so a leak of each would
// exceed this limit ten times between the middle and the end of 50 reloads.
constexpr int64_t kMostHeapGrowth = 1024 * kKiB;
// Pages that the heap keeps in between count, too; some 10 MiB of them go back
// to the system whenever no decision is running for a moment.
constexpr int64_t kMostResidentGrowth = 16384 * kKiB;

int FromEnvironment(const char* name, int fallback) {
  int value = fallback;
  if (const char* wanted = std::getenv(name)) {
    EXPECT_TRUE(absl::SimpleAtoi(wanted, &value)) << name << " " << wanted;
  }
  return value;
}

class ReloadTest : public AdministeredTest {
 protected:
  using Actions = std::vector<std::vector<float>>;

  ReloadTest() {
    // Each load warms its model up; small networks make that short.
    RandomBundleOptions bundle;
    for (RandomNetwork* network :
         {&bundle.policy, &bundle.critic, &bundle.reward, &bundle.dynamics}) {
      network->hidden = {64, 64};
    }
    folders_ = {"v1", "v2"};
    for (const std::string& folder : folders_) {
      hashes_.push_back(SaveModel(folder, 10 + hashes_.size(), kName, bundle));
    }
    SaveBrokenModel("broken");
    options_.models = {InRoot("v1")};
    options_.sessions.max_per_owner = 64;
  }

  static std::string LoopId(int loop) { return absl::StrCat("loop-", loop); }

  v1::OpenSessionRequest Opening(const std::string& id) const {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    request.set_seed(7);
    request.mutable_settings()->set_steps(2);
    request.mutable_settings()->set_step_size(0.01f);
    return request;
  }

  // The actions of an episode on the weights that are served.
  Actions PlayEpisode(const std::string& id) {
    Actions actions;
    for (int n = 0; n < kDecisions; ++n) {
      actions.push_back(MustAct(Request(id, 0.1f * static_cast<float>(n), n)));
    }
    return actions;
  }

  // Plays episodes until `stop`. Each must equal, to the bit, an episode on the
  // weights that its reset names, since decisions are deterministic.
  void Loop(const std::string& id, const std::atomic<bool>& stop) {
    v1::Session session;
    ASSERT_TRUE(ServedTest::Open(Opening(id), &session).ok());
    while (true) {
      const std::string& hash = session.model().weights_sha256();
      ASSERT_THAT(hash, AnyOf(hashes_[0], hashes_[1]));
      const int weights = hash == hashes_[0] ? 0 : 1;
      for (int n = 0; n < kDecisions; ++n) {
        v1::ActResponse answer;
        const grpc::Status status =
            Act(Request(id, 0.1f * static_cast<float>(n), n), &answer);
        ASSERT_TRUE(status.ok())
            << id << " " << n << ": " << status.error_message();
        ASSERT_EQ(answer.report().steps_done(), 2u);
        const std::vector<float> action(answer.action().begin(),
                                        answer.action().end());
        ASSERT_EQ(action, expected_[weights][n])
            << id << ", decision " << n << " of an episode on v" << weights + 1;
      }
      ++episodes_[weights];
      if (stop) break;
      ASSERT_TRUE(Reset(id, &session).ok());
    }
    EXPECT_TRUE(Close(id).ok());
  }

  std::vector<std::string> folders_;
  std::vector<std::string> hashes_;
  std::array<Actions, 2> expected_;
  std::array<std::atomic<int>, 2> episodes_ = {0, 0};
};

TEST_F(ReloadTest, LoopsNoticeNothingButTheNewWeights) {
  const int reloads = FromEnvironment("FORESIGHT_RELOADS", 8);
  const int loops = FromEnvironment("FORESIGHT_RELOAD_LOOPS", 8);
  StartAdministered("fused");
  for (int i : {0, 1}) {
    ASSERT_EQ(MustLoad(folders_[i]), hashes_[i]);
    ASSERT_TRUE(ServedTest::Open(Opening("alone")).ok());
    expected_[i] = PlayEpisode("alone");
    ASSERT_TRUE(Close("alone").ok());
  }
  ASSERT_NE(expected_[0], expected_[1]);

  std::atomic<bool> stop = false;
  std::vector<std::thread> running;
  for (int loop = 0; loop < loops; ++loop) {
    running.emplace_back([this, loop, &stop] { Loop(LoopId(loop), stop); });
  }
  MemoryTrend heap, resident;
  for (int i = 0; i < reloads && !HasFailure(); ++i) {
    // All loops have left the old weights, and they are gone.
    EXPECT_TRUE(AwaitMetric("foresight_model_generations", 1));
    heap.Add(HeapInUse());
    resident.Add(ResidentMemory());
    const std::array<int, 2> before = {episodes_[0], episodes_[1]};
    EXPECT_EQ(MustLoad(folders_[i % 2]), hashes_[i % 2]);
    const SeenError broken = Seen(Load("broken"));
    EXPECT_EQ(broken.reason, "BUNDLE_INVALID") << broken.message;
    EXPECT_EQ(ServedWeights(), hashes_[i % 2]);
    // They are used.
    const absl::Time give_up = absl::Now() + kPatience;
    while (episodes_[i % 2] == before[i % 2] && absl::Now() < give_up &&
           !HasFailure()) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    EXPECT_GT(episodes_[i % 2], before[i % 2]);
  }
  stop = true;
  for (std::thread& loop : running) loop.join();
  RecordProperty("heap_kib", heap.ToString());
  RecordProperty("resident_kib", resident.ToString());
  if (reloads >= 30) {  // Fewer say nothing.
    EXPECT_LT(heap.growth(), kMostHeapGrowth) << heap.ToString();
    EXPECT_LT(resident.growth(), kMostResidentGrowth) << resident.ToString();
  }
}

}  // namespace
}  // namespace foresight
