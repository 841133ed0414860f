#include "client/environments/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::unique_ptr<Environment> Make(const std::string& name) {
  auto environment = MakeEnvironment(name);
  EXPECT_TRUE(environment.ok()) << environment.status();
  return environment.ok() ? *std::move(environment) : nullptr;
}

std::unique_ptr<Environment> HalfCheetah() { return Make("HalfCheetah-v4"); }

TEST(EnvironmentTest, EachSaysItsNameSizesAndLimit) {
  struct Expected {
    const char* name;
    int observation_size;
    int action_size;
  };
  for (const auto& [name, observation_size, action_size] :
       {Expected{"HalfCheetah-v4", 17, 6}, Expected{"Hopper-v4", 11, 3},
        Expected{"Walker2d-v4", 17, 6}}) {
    const auto environment = Make(name);
    ASSERT_NE(environment, nullptr);
    EXPECT_EQ(environment->spec().name, name);
    EXPECT_EQ(environment->spec().observation_size, observation_size);
    EXPECT_EQ(environment->spec().action_size, action_size);
    EXPECT_EQ(environment->spec().step_limit, 1000);
    EXPECT_THAT(environment->Reset(1), SizeIs(observation_size));
  }
}

TEST(EnvironmentTest, AFallEndsTheEpisode) {
  for (const char* name : {"Hopper-v4", "Walker2d-v4"}) {
    const auto environment = Make(name);
    environment->Reset(1);
    const std::vector<float> action(environment->spec().action_size, 1.0f);
    int steps = 0;
    bool terminated = false;
    while (!terminated && steps < environment->spec().step_limit) {
      const auto next = environment->Step(action);
      ASSERT_TRUE(next.ok()) << next.status();
      terminated = next->terminated;
      ++steps;
    }
    EXPECT_TRUE(terminated) << name;
    EXPECT_GT(steps, 1) << name;  // It begins upright.
  }
}

TEST(EnvironmentTest, ScoreIsZeroForRandomAndHundredForTheExpert) {
  for (const std::string& name : EnvironmentNames()) {
    const EnvironmentSpec spec = Make(name)->spec();
    EXPECT_DOUBLE_EQ(NormalisedScore(spec, spec.random_return), 0);
    EXPECT_DOUBLE_EQ(NormalisedScore(spec, spec.expert_return), 100);
  }
  const EnvironmentSpec spec = HalfCheetah()->spec();
  EXPECT_DOUBLE_EQ(NormalisedScore(spec, -280.178953), 0);
  EXPECT_DOUBLE_EQ(NormalisedScore(spec, 12135.0), 100);
  // The reference return of 5,697 is the score of 48.1 in the published table.
  EXPECT_NEAR(NormalisedScore(spec, 5697), 48.1, 0.05);
  EXPECT_NEAR(NormalisedScore(Make("Hopper-v4")->spec(), 3006), 93.0, 0.05);
  EXPECT_NEAR(NormalisedScore(Make("Walker2d-v4")->spec(), 4328), 94.2, 0.05);
}

TEST(EnvironmentTest, SameSeedAndActionsGiveTheSameEpisode) {
  const auto a = HalfCheetah();
  const auto b = HalfCheetah();
  // The start does not depend on earlier episodes.
  a->Reset(5);
  ASSERT_TRUE(a->Step(std::vector<float>(6, 0.5f)).ok());
  EXPECT_EQ(a->Reset(1000), b->Reset(1000));
  EXPECT_NE(a->Reset(1000), b->Reset(1001));
  b->Reset(1000);
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> action(6, i % 2 == 0 ? 1.0f : -0.5f);
    const auto from_a = a->Step(action);
    const auto from_b = b->Step(action);
    ASSERT_TRUE(from_a.ok() && from_b.ok());
    EXPECT_EQ(from_a->observation, from_b->observation);
    EXPECT_EQ(from_a->reward, from_b->reward);
    EXPECT_FALSE(from_a->terminated);
  }
}

TEST(EnvironmentTest, AWrongActionIsRefusedWithoutAMove) {
  const auto environment = HalfCheetah();
  const auto untouched = HalfCheetah();
  environment->Reset(3);
  untouched->Reset(3);

  const auto shorter = environment->Step(std::vector<float>(5));
  EXPECT_EQ(shorter.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(shorter.status().message(), "action has 5 values, expected 6");
  std::vector<float> action(6);
  action[2] = std::numeric_limits<float>::quiet_NaN();
  const auto nan = environment->Step(action);
  EXPECT_EQ(nan.status().message(), "action[2] is nan, expected finite");

  const std::vector<float> good(6, 0.1f);
  EXPECT_EQ(environment->Step(good)->observation,
            untouched->Step(good)->observation);
}

TEST(EnvironmentTest, WrongStateIsRefused) {
  const auto environment = HalfCheetah();
  const std::vector<double> nine(9), eight(8);
  EXPECT_EQ(environment->SetState(eight, nine).status().message(),
            "position has 8 values, expected 9");
  EXPECT_EQ(environment->SetState(nine, eight).status().message(),
            "velocity has 8 values, expected 9");
  EXPECT_TRUE(environment->SetState(nine, nine).ok());
}

TEST(EnvironmentTest, UnknownNameListsTheKnownOnes) {
  EXPECT_THAT(EnvironmentNames(),
              ElementsAre("HalfCheetah-v4", "Hopper-v4", "Walker2d-v4"));
  const auto environment = MakeEnvironment("Cheetah");
  EXPECT_EQ(environment.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(environment.status().message()),
      HasSubstr(
          "no environment \"Cheetah\"; known: HalfCheetah-v4, Hopper-v4"));
}

TEST(EnvironmentTest, AssetsComeFromTheCallerThenFromTheVariable) {
  const std::string missing = testing::TempDir() + "no-assets-here";
  const auto by_caller = MakeEnvironment("HalfCheetah-v4", missing);
  EXPECT_EQ(by_caller.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(by_caller.status().message()),
              HasSubstr("no-assets-here/half_cheetah.xml"));

  ASSERT_EQ(setenv("FORESIGHT_ASSETS", missing.c_str(), 1), 0);
  const auto by_variable = MakeEnvironment("HalfCheetah-v4");
  EXPECT_EQ(by_variable.status().code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(unsetenv("FORESIGHT_ASSETS"), 0);
}

TEST(EnvironmentTest, AFileThatIsNotAModelIsNamed) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "half_cheetah.xml")
      << "<mujoco><nonsense/></mujoco>";
  const auto environment =
      MakeEnvironment("HalfCheetah-v4", folder.path().string());
  EXPECT_EQ(environment.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(environment.status().message()),
              HasSubstr((folder.path() / "half_cheetah.xml").string()));
}

TEST(EnvironmentTest, MujocoWritesNoLog) {
  const auto before = std::filesystem::current_path();
  const TemporaryFolder folder;
  std::filesystem::current_path(folder.path());
  HalfCheetah();  // Its model has an obsolete attribute.
  EXPECT_FALSE(std::filesystem::exists("MUJOCO_LOG.TXT"));
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace foresight
