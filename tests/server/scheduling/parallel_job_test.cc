#include "server/scheduling/parallel_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ParallelJobTest, ItemsBeginInOrderOnWhicheverLaneComes) {
  std::vector<std::pair<int, int>> calls;  // Item, lane.
  const auto note = [&](int item, int lane) { calls.push_back({item, lane}); };
  ParallelJob job(3, 2, note);
  const int first = job.Join(), second = job.Join();
  EXPECT_TRUE(job.RunOne(second));
  EXPECT_TRUE(job.RunOne(first));
  EXPECT_TRUE(job.RunOne(second));
  EXPECT_FALSE(job.RunOne(first));
  EXPECT_THAT(calls,
              ElementsAre(Pair(0, second), Pair(1, first), Pair(2, second)));
  EXPECT_EQ(first + second, 1);
}

TEST(ParallelJobTest, ALaneThatIsLeftIsForTheNextThatJoins) {
  const auto nothing = [](int, int) {};
  ParallelJob job(3, 2, nothing);
  const int first = job.Join();
  EXPECT_TRUE(job.has_room());
  const int second = job.Join();
  EXPECT_FALSE(job.has_room());
  EXPECT_EQ(job.joined(), 2);
  job.Leave(first);
  EXPECT_EQ(job.joined(), 1);
  EXPECT_TRUE(job.has_room());
  EXPECT_EQ(job.Join(), first);
  job.Leave(second);
  EXPECT_TRUE(job.has_room());
  while (job.RunOne(first)) {
  }
  EXPECT_FALSE(job.has_room());  // A lane is free, but nothing is left to do.
}

TEST(ParallelJobTest, ManyThreadsMakeEachCallOnce) {
  constexpr int kItems = 1000, kLanes = 3;
  std::vector<std::atomic<int>> calls(kItems);
  const auto count = [&](int item, int) { ++calls[item]; };
  ParallelJob job(kItems, kLanes, count);
  std::vector<std::thread> threads;
  for (int lane = 0; lane < kLanes; ++lane) {
    threads.emplace_back([&job, lane] {
      while (job.RunOne(lane)) {
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::atomic<int>& made : calls) EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace foresight
