#include "client/run/video.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "client/environments/environment.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using Json = nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// A hopper that stands still for one step.
Comparison Sample() {
  const auto hopper = MakeEnvironment("Hopper-v4").value();
  std::vector<EpisodePair> episodes(1);
  EpisodeResult result;
  hopper->Reset(1000);
  result.positions = {hopper->Position(), hopper->Position()};
  result.rewards = {1.5};
  result.steps = 1;
  result.latencies_ms = {1};
  episodes[0].frozen = episodes[0].adapted = result;
  episodes[0].frozen->terminated = true;
  return Compare(hopper->spec(), v1::Model(), episodes);
}

TEST(VideoTest, JsonHasBothEpisodesOfTheFirstSeed) {
  const Comparison sample = Sample();
  const Json json = Json::parse(VideoJson(sample));
  EXPECT_THAT(json["model_file"].get<std::string>(), HasSubstr("hopper.xml"));
  EXPECT_DOUBLE_EQ(json["step_sec"], 0.008);
  ASSERT_EQ(json["episodes"].size(), 2u);
  EXPECT_EQ(json["episodes"][0]["label"], "frozen");
  EXPECT_EQ(json["episodes"][0]["terminated"], true);
  EXPECT_EQ(json["episodes"][1]["label"], "adapted");
  EXPECT_EQ(json["episodes"][1]["terminated"], false);
  EXPECT_EQ(json["episodes"][1]["rewards"], Json({1.5}));
  const Json positions = json["episodes"][1]["positions"];
  ASSERT_EQ(positions.size(), 2u);
  ASSERT_EQ(positions[0].size(), 6u);  // Hopper's coordinates.
  EXPECT_NEAR(positions[0][1], 1.25, 0.01);
}

TEST(VideoTest, AFolderThatIsMissingIsNamed) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "missing" / "film.gif";
  const absl::Status status = CheckVideo(file);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

// Whether this machine can render is up to the machine.
TEST(VideoTest, TheCheckPromisesThatTheFilmIsWritten) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "film.gif";
  const absl::Status status = CheckVideo(file);
  EXPECT_EQ(WriteVideo(Sample(), file), status);
  EXPECT_EQ(std::filesystem::file_size(file) > 0, status.ok());
  if (!status.ok()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AnyOf(HasSubstr("deploy/install_dependencies.sh --video"),
                      HasSubstr("apt-get install libegl1")));
  }
}

}  // namespace
}  // namespace foresight
