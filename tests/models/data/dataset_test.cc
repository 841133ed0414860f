#include "models/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "tests/support/d4rl_file.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Print(const std::vector<Episode>& episodes) {
  std::string text;
  for (const Episode& episode : episodes) {
    text += std::to_string(episode.begin) + "-" + std::to_string(episode.end) +
            (episode.terminal ? "T " : " ");
  }
  return text;
}

// Six rows, S = 2, A = 1; observations are 0..11.
class DatasetTest : public ::testing::Test {
 protected:
  static std::vector<double> Count(int n) {
    std::vector<double> values(n);
    for (int i = 0; i < n; ++i) values[i] = i;
    return values;
  }
  static void WriteBasics(D4rlFile& out) {
    out.Write("observations", {6, 2}, Count(12));
    out.Write("actions", {6, 1}, {0, 0.25, -0.5, 0.75, 1, -1},
              Stored::kFloat64);
    out.Write("rewards", {6, 1}, {5, 4, 3, 2, 1, 0});
  }
  std::filesystem::path path() const { return folder_.path() / "data.hdf5"; }
  absl::StatusOr<Dataset> Read(int step_limit = 1000) const {
    return ReadDataset(path(), step_limit);
  }
  TemporaryFolder folder_;
};

TEST_F(DatasetTest, ReadsRows) {
  {
    D4rlFile out(path());
    WriteBasics(out);
    out.Write("terminals", {6}, {0, 0, 0, 0, 0, 0});
  }
  const auto dataset = Read();
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->rows(), 6);
  EXPECT_EQ(dataset->observation_size, 2);
  EXPECT_EQ(dataset->action_size, 1);
  EXPECT_THAT(dataset->observation(2), ElementsAre(4, 5));
  EXPECT_THAT(dataset->action(3), ElementsAre(0.75f));
  EXPECT_THAT(dataset->rewards, ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_TRUE(dataset->next_observations.empty());
}

TEST_F(DatasetTest, KeepsTheFirstRows) {
  {
    D4rlFile out(path());
    WriteBasics(out);
    out.Write("terminals", {6}, {0, 1, 0, 0, 1, 0});
    out.Write("next_observations", {6, 2}, Count(12));
  }
  const Dataset all = *Read();
  Dataset first = all;
  KeepFirstRows(first, 4);
  EXPECT_EQ(first.rows(), 4);
  EXPECT_THAT(first.observations, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(first.next_observations, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(first.actions, ElementsAre(0, 0.25f, -0.5f, 0.75f));
  EXPECT_EQ(Print(first.episodes), "0-2T 2-4 ");
  KeepFirstRows(first, 2);
  EXPECT_EQ(Print(first.episodes), "0-2T ");
  Dataset same = all;
  KeepFirstRows(same, 6);
  EXPECT_EQ(Print(same.episodes), Print(all.episodes));
}

TEST_F(DatasetTest, EpisodesEndAtTerminalsAndAtTimeouts) {
  for (const Stored flags :
       {Stored::kBool, Stored::kUint8, Stored::kFloat32, Stored::kFloat64}) {
    {
      D4rlFile out(path());
      WriteBasics(out);
      out.Write("terminals", {6}, {0, 1, 0, 0, 0, 0}, flags);
      out.Write("timeouts", {6, 1}, {0, 0, 0, 1, 0, 1}, flags);
    }
    const auto dataset = Read();
    ASSERT_TRUE(dataset.ok()) << dataset.status();
    EXPECT_EQ(Print(dataset->episodes), "0-2T 2-4 4-6 ");
  }
}

TEST_F(DatasetTest, TheStepLimitIsIgnoredWhereThereAreTimeouts) {
  {
    D4rlFile out(path());
    WriteBasics(out);
    out.Write("terminals", {6}, {0, 0, 0, 0, 0, 0});
    out.Write("timeouts", {6}, {0, 0, 0, 0, 0, 1});
  }
  EXPECT_EQ(Print(Read(2)->episodes), "0-6 ");
}

TEST_F(DatasetTest, WithoutTimeoutsTheStepLimitEndsEpisodes) {
  {
    D4rlFile out(path());
    WriteBasics(out);
    out.Write("terminals", {6, 1}, {1, 0, 0, 0, 0, 0}, Stored::kBool);
  }
  // The limit counts from the episode's beginning.
  EXPECT_EQ(Print(Read(3)->episodes), "0-1T 1-4 4-6 ");
  EXPECT_EQ(Print(Read(1)->episodes), "0-1T 1-2 2-3 3-4 4-5 5-6 ");
}

TEST_F(DatasetTest, TheLastRowEndsTheLastEpisodeWithoutBeingTerminal) {
  {
    D4rlFile out(path());
    WriteBasics(out);
    out.Write("terminals", {6}, {0, 0, 1, 0, 0, 0});
    out.Write("timeouts", {6}, {0, 0, 0, 0, 0, 0});
  }
  EXPECT_EQ(Print(Read()->episodes), "0-3T 3-6 ");
}

TEST_F(DatasetTest, RefusalsNameFileAndDataSet) {
  struct Case {
    const char* name;  // The wrong data set ..
    std::vector<int64_t> shape;
    const char* message;
  };
  const Case cases[] = {
      {"observations", {12}, "data.hdf5: observations has shape [12]"},
      {"actions", {5, 1}, "data.hdf5: actions has shape [5, 1], expected [6,"},
      {"rewards", {6, 2}, "data.hdf5: rewards has shape [6, 2], expected [6]"},
      {"terminals", {7}, "data.hdf5: terminals has shape [7], expected [6]"},
      {"timeouts", {1, 6}, "data.hdf5: timeouts has shape [1, 6]"},
      {"next_observations", {6, 3}, "data.hdf5: next_observations has shape"},
  };
  for (const Case& one : cases) {
    {
      D4rlFile out(path());
      for (const Case& other : cases) {
        std::vector<int64_t> shape = {6};
        const std::string name = other.name;
        if (name == "actions") shape = {6, 1};
        if (name.find("observations") != std::string::npos) shape = {6, 2};
        if (name == one.name) shape = one.shape;
        int64_t count = 1;
        for (const int64_t size : shape) count *= size;
        out.Write(name, shape, std::vector<double>(count, 0));
      }
    }
    const auto dataset = Read();
    EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(dataset.status().message(), HasSubstr(one.message));
  }
}

TEST_F(DatasetTest, RefusesValuesThatAreNotFinite) {
  {
    D4rlFile out(path());
    std::vector<double> observations = Count(12);
    observations[7] = NAN;
    out.Write("observations", {6, 2}, observations);
    out.Write("actions", {6, 1}, std::vector<double>(6, 0));
    out.Write("rewards", {6}, Count(6));
    out.Write("terminals", {6}, std::vector<double>(6, 0));
  }
  const auto dataset = Read();
  EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(dataset.status().message(),
              HasSubstr("data.hdf5: observations is nan in row 3, expected a "
                        "finite number"));
}

TEST_F(DatasetTest, ReadsFilesOfTheWild) {
  {
    D4rlFile out(path());
    out.Write("observations", {6, 2}, Count(12), Stored::kFloat64);
    // In float32 these are slightly beyond 1.
    out.Write("actions", {6, 1}, {0, 1.0000001, -1.0000001, 0, 0, 1},
              Stored::kFloat64);
    out.Write("rewards", {6, 1}, {5, 4, 3, 2, 1, 1e-300}, Stored::kFloat64);
    out.Write("terminals", {6, 1}, {0, 1, 0, 0, 0, 0}, Stored::kUint8);
    out.WriteGroup("infos");
    out.Write("infos/qpos", {2, 3}, Count(6));
    out.WriteGroup("metadata");
    out.Write("metadata/algorithm", {1}, {}, Stored::kText);
  }
  const auto dataset = Read(3);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(Print(dataset->episodes), "0-2T 2-5 5-6 ");
  EXPECT_THAT(dataset->rewards, ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(dataset->observation(5), ElementsAre(10, 11));
}

TEST_F(DatasetTest, WrongValuesAreNamedWithTheirRow) {
  struct Case {
    const char* name;
    std::vector<double> values;
    const char* message;
  };
  const std::vector<double> zeros(6, 0);
  for (const Case& one : std::vector<Case>{
           {"terminals",
            {0, 0, 2, 0, 0, 0},
            "terminals is 2 in row 2, "
            "expected 0 or 1"},
           {"terminals", {0, -1, 0, 0, 0, 0}, "terminals is -1 in row 1"},
           {"timeouts",
            {0, 0, 0, 0, 0, 0.5},
            "timeouts is 0.5 in row 5, "
            "expected 0 or 1"},
           {"timeouts", {NAN, 0, 0, 0, 0, 0}, "timeouts is nan in row 0"},
           {"rewards",
            {0, 0, 0, 0, INFINITY, 0},
            "rewards is inf in row 4, expected a finite number"},
           // Too large for float32.
           {"rewards", {0, 0, 0, 1e300, 0, 0}, "rewards is inf in row 3"},
           {"actions",
            {0, 0, 0, 0, 0, -1.5},
            "actions is -1.5 in row 5, expected a value in [-1, 1]"},
       }) {
    {
      D4rlFile out(path());
      out.Write("observations", {6, 2}, Count(12));
      for (const char* name : {"actions", "rewards", "terminals", "timeouts"}) {
        out.Write(name, {6, 1},
                  name == std::string(one.name) ? one.values : zeros,
                  Stored::kFloat64);
      }
    }
    const auto dataset = Read();
    EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(dataset.status().message(),
                HasSubstr("data.hdf5: " + std::string(one.message)));
  }
}

TEST_F(DatasetTest, NamesTheMissingDataSet) {
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  {
    D4rlFile out(path());
    WriteBasics(out);
  }
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Read().status().message(),
              HasSubstr("terminals: no such data set; expected observations, "
                        "actions, rewards, terminals"));
  EXPECT_EQ(Read(0).status().code(), absl::StatusCode::kInvalidArgument);
}

std::vector<Episode> Episodes(int count) {
  std::vector<Episode> episodes;
  for (int i = 0; i < count; ++i) episodes.push_back({10 * i, 10 * i + 10});
  return episodes;
}

TEST(HoldOut, PartsWholeEpisodes) {
  const auto split = HoldOut(Episodes(200), 0.02, 3, 0);
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->held_out.size(), 4u);
  EXPECT_EQ(split->training.size(), 196u);
  std::set<int64_t> begins;
  for (const auto* part : {&split->training, &split->held_out}) {
    for (const Episode& episode : *part) {
      begins.insert(episode.begin);
      EXPECT_EQ(episode.end, episode.begin + 10);
    }
  }
  EXPECT_EQ(begins.size(), 200u);
}

TEST(HoldOut, KeepsTheMinimumOfFewEpisodes) {
  EXPECT_EQ(HoldOut(Episodes(10), 0.02, 3, 0)->held_out.size(), 3u);
}

TEST(HoldOut, IsDecidedByTheSeed) {
  const auto held_out = [](uint64_t seed) {
    return Print(HoldOut(Episodes(200), 0.02, 3, seed)->held_out);
  };
  EXPECT_EQ(held_out(1), held_out(1));
  EXPECT_NE(held_out(1), held_out(2));
}

TEST(HoldOut, RefusesToHoldOutEveryEpisode) {
  EXPECT_EQ(HoldOut(Episodes(3), 0.5, 3, 0).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace foresight
