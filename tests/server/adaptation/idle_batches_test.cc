#include "server/adaptation/idle_batches.h"

#include <gtest/gtest.h>

#include <memory>

#include "server/adaptation/engine.h"

namespace foresight {
namespace {

absl::Time At(double seconds) {
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

// Counts its living instances.
class SizedBatch : public Batch {
 public:
  explicit SizedBatch(size_t bytes) : bytes_(bytes) { ++alive; }
  ~SizedBatch() override { --alive; }
  bool Admit(Problem*) override { return false; }
  bool WantsStep(const Problem&) const override { return false; }
  void Step(absl::Span<Problem* const>) override {}
  void Retire(absl::Span<Problem* const>) override {}
  size_t scratch_bytes() const override { return bytes_; }

  static int alive;

 private:
  const size_t bytes_;
};
int SizedBatch::alive = 0;

class IdleBatchesTest : public ::testing::Test {
 protected:
  void Keep(size_t bytes, double now) {
    idle_.Keep(std::make_unique<SizedBatch>(bytes), At(now));
  }
  size_t TakeBytes() {
    const std::unique_ptr<Batch> batch = idle_.Take();
    return batch == nullptr ? 0 : batch->scratch_bytes();
  }

  IdleBatches idle_{100};
};

TEST_F(IdleBatchesTest, TheLastUsedIsTakenFirst) {
  Keep(10, 1);
  Keep(20, 2);
  EXPECT_EQ(idle_.bytes(), 30u);
  EXPECT_EQ(TakeBytes(), 20u);
  EXPECT_EQ(idle_.bytes(), 10u);
  EXPECT_EQ(TakeBytes(), 10u);
  EXPECT_EQ(TakeBytes(), 0u);
  EXPECT_EQ(idle_.bytes(), 0u);
}

TEST_F(IdleBatchesTest, NoMoreBytesAreKeptThanTheLimit) {
  Keep(60, 1);
  Keep(50, 2);
  EXPECT_EQ(idle_.bytes(), 60u);
  EXPECT_EQ(SizedBatch::alive, 1);
  Keep(40, 3);
  EXPECT_EQ(idle_.bytes(), 100u);
  Keep(0, 4);
  EXPECT_EQ(SizedBatch::alive, 3);
  Keep(1, 5);
  EXPECT_EQ(SizedBatch::alive, 3);
}

TEST_F(IdleBatchesTest, ReleasesThoseUnusedForLongest) {
  Keep(10, 1);
  Keep(20, 2);
  Keep(30, 3);
  EXPECT_EQ(idle_.Release(At(0.5)), 0u);
  EXPECT_EQ(idle_.Release(At(2)), 30u);
  EXPECT_EQ(SizedBatch::alive, 1);
  EXPECT_EQ(idle_.bytes(), 30u);
  EXPECT_EQ(idle_.Release(absl::InfiniteFuture()), 30u);
  EXPECT_EQ(SizedBatch::alive, 0);
  EXPECT_EQ(idle_.bytes(), 0u);
}

}  // namespace
}  // namespace foresight
