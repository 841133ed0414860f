#include "client/run/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace foresight {
namespace {

using ::testing::HasSubstr;

ParsedOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "foresight-run");
  return ParseRunOptions(static_cast<int>(arguments.size()), arguments.data());
}

// Returns the message for `arguments`, which must be wrong.
std::string Mistake(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStderr();
  const ParsedOptions parsed = Parse(arguments);
  EXPECT_EQ(parsed.exit_code, 2);
  return testing::internal::GetCapturedStderr();
}

TEST(RunOptionsTest, WithoutArgumentsEveryOptionIsItsDefault) {
  const ParsedOptions parsed = Parse({});
  ASSERT_EQ(parsed.exit_code, std::nullopt);
  const RunOptions& options = parsed.options;
  EXPECT_EQ(options.server, "127.0.0.1:50051");
  EXPECT_EQ(options.model, "");
  EXPECT_EQ(options.environment, "");
  EXPECT_FALSE(options.stream);
  EXPECT_EQ(options.episodes, 10);
  EXPECT_EQ(options.seed, 1000u);
  EXPECT_EQ(options.max_steps, 1000);
  EXPECT_TRUE(options.play_frozen);
  EXPECT_TRUE(options.play_adapted);
  EXPECT_EQ(options.budget, std::nullopt);
  // No setting is set.
  EXPECT_EQ(options.settings.SerializeAsString(), "");
}

TEST(RunOptionsTest, EveryOptionArrives) {
  const ParsedOptions parsed = Parse({"--server",
                                      "host:1",
                                      "--model",
                                      "m",
                                      "--environment",
                                      "E",
                                      "--assets",
                                      "/a",
                                      "--episodes",
                                      "3",
                                      "--seed",
                                      "18446744073709551615",
                                      "--max-steps",
                                      "7",
                                      "--parallel",
                                      "2",
                                      "--budget",
                                      "20ms",
                                      "--deadline",
                                      "1.5s",
                                      "--connect-timeout",
                                      "2s",
                                      "--csv",
                                      "c",
                                      "--json",
                                      "j",
                                      "--quiet",
                                      "--stream",
                                      "--adapted-only"});
  ASSERT_EQ(parsed.exit_code, std::nullopt);
  const RunOptions& options = parsed.options;
  EXPECT_EQ(options.server, "host:1");
  EXPECT_EQ(options.model, "m");
  EXPECT_EQ(options.environment, "E");
  EXPECT_EQ(options.assets, "/a");
  EXPECT_EQ(options.episodes, 3);
  EXPECT_EQ(options.seed, 18446744073709551615u);
  EXPECT_EQ(options.max_steps, 7);
  EXPECT_EQ(options.parallel, 2);
  EXPECT_EQ(options.budget, absl::Milliseconds(20));
  EXPECT_EQ(options.deadline, absl::Milliseconds(1500));
  EXPECT_EQ(options.connect_timeout, absl::Seconds(2));
  EXPECT_EQ(options.csv, "c");
  EXPECT_EQ(options.json, "j");
  EXPECT_TRUE(options.quiet);
  EXPECT_TRUE(options.stream);
  EXPECT_FALSE(options.play_frozen);
  EXPECT_TRUE(options.play_adapted);
  EXPECT_FALSE(Parse({"--frozen-only"}).options.play_adapted);
}

TEST(RunOptionsTest, ASweepHasSeedsOfItsOwn) {
  const ParsedOptions sweep = Parse({"--sweep", "s.json"});
  ASSERT_EQ(sweep.exit_code, std::nullopt);
  EXPECT_EQ(sweep.options.sweep, "s.json");
  EXPECT_EQ(sweep.options.seed, 2000u);
  EXPECT_EQ(Parse({"--sweep", "s", "--seed", "7"}).options.seed, 7u);
  EXPECT_THAT(Mistake({"--sweep", "s", "--frozen-only"}),
              HasSubstr("excludes"));
  EXPECT_THAT(Mistake({"--sweep", "s", "--report", "r"}),
              HasSubstr("excludes"));
  EXPECT_EQ(Parse({"--report", "r"}).options.report, "r");
}

TEST(RunOptionsTest, AVideoNeedsAKnownEndingAndBothPolicies) {
  EXPECT_EQ(Parse({"--video", "v.mp4"}).options.video, "v.mp4");
  EXPECT_EQ(Parse({"--video", "v.gif"}).options.video, "v.gif");
  EXPECT_THAT(Mistake({"--video", "v.avi"}),
              HasSubstr("v.avi ends neither in .mp4 nor in .gif"));
  for (const char* other : {"--frozen-only", "--adapted-only"}) {
    EXPECT_THAT(Mistake({"--video", "v.mp4", other}), HasSubstr("excludes"));
  }
  EXPECT_THAT(Mistake({"--video", "v.mp4", "--sweep", "s"}),
              HasSubstr("excludes"));
}

TEST(RunOptionsTest, TheBundleIsForTheReport) {
  EXPECT_EQ(Parse({"--bundle", "/", "--report", "r"}).options.bundle, "/");
  EXPECT_THAT(Mistake({"--bundle", "/"}), HasSubstr("requires --report"));
  EXPECT_THAT(Mistake({"--bundle", "/missing", "--report", "r"}),
              HasSubstr("/missing"));
}

TEST(RunOptionsTest, SharedOptionsArrive) {
  const RunOptions options =
      Parse({"--token-file", "t", "--horizon", "2"}).options;
  EXPECT_EQ(options.security.token_file, "t");
  EXPECT_EQ(options.settings.ShortDebugString(), "horizon: 2");
}

TEST(RunOptionsTest, MistakesAreNamed) {
  EXPECT_THAT(Mistake({"--horizn", "3"}), HasSubstr("--horizn"));
  EXPECT_THAT(Mistake({"--horizon", "-3"}), HasSubstr("--horizon"));
  EXPECT_THAT(Mistake({"--episodes", "0"}), HasSubstr("--episodes"));
  EXPECT_THAT(Mistake({"--seed", "-1"}), HasSubstr("--seed"));
  EXPECT_THAT(Mistake({"--mode", "fast"}),
              HasSubstr("\"fast\" is neither persist nor reset"));
  EXPECT_THAT(Mistake({"--budget", "20"}),
              HasSubstr("\"20\" is not a positive duration such as 20ms"));
  EXPECT_THAT(Mistake({"--deadline", "-1s"}), HasSubstr("--deadline"));
  EXPECT_THAT(Mistake({"--frozen-only", "--adapted-only"}),
              HasSubstr("excludes"));
}

TEST(RunOptionsTest, HelpShowsEveryDefault) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  const std::string help = testing::internal::GetCapturedStdout();
  for (const char* text :
       {"127.0.0.1:50051", "the model's own", "--episodes INT=10 ",
        "--seed UINT=1000", "--max-steps INT=1000", "=10s", "=5s",
        "--step-size", "--accept-only-improvement", "Exit status"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
}

}  // namespace
}  // namespace foresight
