#include "models/training/part_run.h"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

// Adds normal numbers to its weight; calls `each` before every update.
class DriftingTrainer : public Trainer {
 public:
  explicit DriftingTrainer(std::function<void(int64_t)> each = [](int64_t) {})
      : Trainer(3), each_(std::move(each)) {}
  Measurements Evaluate() const override {
    return {{"weight", weight_.item<double>()}};
  }

 protected:
  at::Tensor Update() override {
    each_(step());
    weight_.add_(RandomNormal({1})[0]);
    return weight_;
  }
  TensorDict Tensors() const override { return {{"weight", weight_}}; }

 private:
  std::function<void(int64_t)> each_;
  at::Tensor weight_ = at::zeros({});
};

class PartRunTest : public ::testing::Test {
 protected:
  PartRun Run(const char* folder) {
    PartRun run;
    run.part = "drift";
    run.folder = folder_.path() / folder;
    std::filesystem::create_directories(run.folder);
    run.steps = 200;
    run.evaluations = 4;
    run.fingerprint = "abc";
    run.stop = &stop_;
    run.out = &out_;
    return run;
  }
  static std::string Bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  TemporaryFolder folder_;
  std::atomic<bool> stop_{false};
  std::ostringstream out_;
};

TEST_F(PartRunTest, LogsAndSavesAtEveryEvaluation) {
  DriftingTrainer trainer;
  const PartRun run = Run("a");
  ASSERT_TRUE(RunPart(run, trainer).ok());
  const std::string log = Bytes(run.folder / "drift.csv");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 5);
  EXPECT_THAT(log, HasSubstr("step,loss,weight\n50,"));
  EXPECT_THAT(log, HasSubstr("\n200,"));
  EXPECT_TRUE(std::filesystem::exists(CheckpointPath(run.folder, "drift")));
  EXPECT_THAT(out_.str(), HasSubstr("200/200"));
}

TEST_F(PartRunTest, ContinuesBitForBit) {
  DriftingTrainer whole;
  ASSERT_TRUE(RunPart(Run("whole"), whole).ok());
  // Stops in the middle of the second of four stretches.
  DriftingTrainer first([&](int64_t step) { stop_ = step == 79; });
  const absl::Status stopped = RunPart(Run("parts"), first);
  EXPECT_EQ(stopped.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(stopped.message()), HasSubstr("step 80"));
  stop_ = false;
  DriftingTrainer second;
  ASSERT_TRUE(RunPart(Run("parts"), second).ok());
  for (const char* file : {"drift.csv", "drift.safetensors"}) {
    EXPECT_EQ(Bytes(folder_.path() / "parts" / file),
              Bytes(folder_.path() / "whole" / file))
        << file;
  }
}

// The process dies at update 99, after the checkpoint at 80.
TEST_F(PartRunTest, AKillLosesOnlyWhatFollowsTheLastSavePeriod) {
  DriftingTrainer whole;
  ASSERT_TRUE(RunPart(Run("whole"), whole).ok());
  PartRun run = Run("parts");
  run.save_period = absl::ZeroDuration();
  DriftingTrainer killed([](int64_t step) {
    if (step == 99) throw std::runtime_error("killed");
  });
  EXPECT_EQ(RunPart(run, killed).code(), absl::StatusCode::kInternal);
  int64_t resumed_at = -1;
  DriftingTrainer second([&](int64_t step) {
    if (resumed_at < 0) resumed_at = step;
  });
  ASSERT_TRUE(RunPart(run, second).ok());
  EXPECT_EQ(resumed_at, 80);
  for (const char* file : {"drift.csv", "drift.safetensors"}) {
    EXPECT_EQ(Bytes(folder_.path() / "parts" / file),
              Bytes(folder_.path() / "whole" / file))
        << file;
  }
}

TEST_F(PartRunTest, ForgetsLogLinesBehindItsCheckpoint) {
  const PartRun run = Run("a");
  // As after a crash between the log's line and the checkpoint.
  std::ofstream(run.folder / "drift.csv")
      << "step,loss,weight\n50,1,2\n100,3,4\n";
  DriftingTrainer trainer;
  ASSERT_TRUE(RunPart(run, trainer).ok());
  DriftingTrainer clean;
  ASSERT_TRUE(RunPart(Run("b"), clean).ok());
  EXPECT_EQ(Bytes(run.folder / "drift.csv"),
            Bytes(folder_.path() / "b" / "drift.csv"));
}

TEST_F(PartRunTest, AFinishedPartIsNotTrainedAgain) {
  DriftingTrainer trainer;
  const PartRun run = Run("a");
  ASSERT_TRUE(RunPart(run, trainer).ok());
  DriftingTrainer again([](int64_t) { FAIL() << "trained on"; });
  ASSERT_TRUE(RunPart(run, again).ok());
  EXPECT_EQ(again.step(), 200);
}

TEST_F(PartRunTest, RefusesAnotherRecipesCheckpoint) {
  DriftingTrainer trainer;
  PartRun run = Run("a");
  ASSERT_TRUE(RunPart(run, trainer).ok());
  run.fingerprint = "abd";
  DriftingTrainer other;
  const absl::Status refused = RunPart(run, other);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("drift.safetensors"));
}

TEST_F(PartRunTest, RefusesABrokenCheckpoint) {
  const PartRun run = Run("a");
  std::ofstream(CheckpointPath(run.folder, "drift")) << "broken";
  DriftingTrainer trainer;
  EXPECT_EQ(RunPart(run, trainer).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PartRunTest, StopsWhenTheLossIsNotANumber) {
  class Exploding : public Trainer {
   public:
    Exploding() : Trainer(0) {}
    Measurements Evaluate() const override { return {}; }

   protected:
    at::Tensor Update() override { return at::zeros({}).fill_(NAN); }
    TensorDict Tensors() const override { return {}; }
  } trainer;
  const absl::Status status = RunPart(Run("a"), trainer);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(
      std::filesystem::exists(CheckpointPath(folder_.path() / "a", "drift")));
}

TEST_F(PartRunTest, TurnsExceptionsIntoStatuses) {
  DriftingTrainer trainer(
      [](int64_t) { throw std::runtime_error("out of memory"); });
  const absl::Status status = RunPart(Run("a"), trainer);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("out of memory"));
}

TEST_F(PartRunTest, SaysWhenTheDiskRefuses) {
  PartRun run = Run("a");
  run.folder = folder_.path() / "gone";
  DriftingTrainer trainer;
  EXPECT_EQ(RunPart(run, trainer).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace foresight
