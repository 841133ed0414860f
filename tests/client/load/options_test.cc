#include "client/load/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace foresight {
namespace {

using ::testing::HasSubstr;

ParsedLoadOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "foresight-load");
  return ParseLoadOptions(static_cast<int>(arguments.size()), arguments.data());
}

// Returns the message for `arguments`, which must be wrong.
std::string Mistake(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStderr();
  const ParsedLoadOptions parsed = Parse(arguments);
  EXPECT_EQ(parsed.exit_code, 2);
  return testing::internal::GetCapturedStderr();
}

TEST(LoadOptionsTest, WithoutArgumentsEveryOptionIsItsDefault) {
  const ParsedLoadOptions parsed = Parse({});
  ASSERT_EQ(parsed.exit_code, std::nullopt);
  const LoadOptions& options = parsed.options;
  EXPECT_EQ(options.server, "127.0.0.1:50051");
  EXPECT_EQ(options.sessions, 8);
  EXPECT_EQ(options.period(), absl::Milliseconds(50));
  EXPECT_EQ(options.deadline, absl::Milliseconds(50));
  EXPECT_EQ(options.warm_up, absl::Seconds(1));
  EXPECT_FALSE(options.stream);
  EXPECT_FALSE(options.ramp);
  // No setting is set.
  EXPECT_EQ(options.settings.SerializeAsString(), "");
}

TEST(LoadOptionsTest, SeveralServersAreRefused) {
  EXPECT_THAT(Mistake({"--server", "a:1,b:1"}),
              HasSubstr("names several servers, expected one"));
}

TEST(LoadOptionsTest, EveryOptionArrives) {
  const ParsedLoadOptions parsed = Parse({"--server",
                                          "host:1",
                                          "--model",
                                          "m",
                                          "--assets",
                                          "/a",
                                          "--sessions",
                                          "64",
                                          "--rate",
                                          "12.5",
                                          "--deadline",
                                          "20ms",
                                          "--duration",
                                          "3s",
                                          "--warm-up",
                                          "0s",
                                          "--stream",
                                          "--ramp",
                                          "--seed",
                                          "5",
                                          "--jitter",
                                          "0.25",
                                          "--connections",
                                          "4",
                                          "--json",
                                          "j",
                                          "--steps",
                                          "0",
                                          "--quiet",
                                          "--sessions-per-stream",
                                          "16",
                                          "--connect-timeout",
                                          "2s"});
  ASSERT_EQ(parsed.exit_code, std::nullopt);
  const LoadOptions& options = parsed.options;
  EXPECT_EQ(options.server, "host:1");
  EXPECT_EQ(options.model, "m");
  EXPECT_EQ(options.assets, "/a");
  EXPECT_EQ(options.sessions, 64);
  EXPECT_EQ(options.rate_hz, 12.5);
  EXPECT_EQ(options.deadline, absl::Milliseconds(20));
  EXPECT_EQ(options.duration, absl::Seconds(3));
  EXPECT_EQ(options.warm_up, absl::ZeroDuration());
  EXPECT_TRUE(options.stream);
  EXPECT_TRUE(options.ramp);
  EXPECT_EQ(options.seed, 5u);
  EXPECT_EQ(options.jitter, 0.25);
  EXPECT_EQ(options.connections, 4);
  EXPECT_EQ(options.sessions_per_stream, 16);
  EXPECT_EQ(options.connect_timeout, absl::Seconds(2));
  EXPECT_EQ(options.json, "j");
  EXPECT_TRUE(options.quiet);
  EXPECT_EQ(options.settings.ShortDebugString(), "steps: 0");
}

TEST(LoadOptionsTest, TheDeadlineIsOnePeriodUnlessItIsGiven) {
  EXPECT_EQ(Parse({"--rate", "100"}).options.deadline, absl::Milliseconds(10));
  EXPECT_EQ(Parse({"--rate", "100", "--deadline", "1s"}).options.deadline,
            absl::Seconds(1));
}

TEST(LoadOptionsTest, SharedOptionsArrive) {
  const LoadOptions options =
      Parse({"--token-file", "t", "--horizon", "2"}).options;
  EXPECT_EQ(options.security.token_file, "t");
  EXPECT_EQ(options.settings.ShortDebugString(), "horizon: 2");
}

TEST(LoadOptionsTest, MistakesAreNamed) {
  EXPECT_THAT(Mistake({"--sessions", "0"}), HasSubstr("--sessions"));
  EXPECT_THAT(Mistake({"--rate", "0"}),
              HasSubstr("\"0\" is not a rate from 0.001 to 10000"));
  EXPECT_THAT(Mistake({"--rate", "fast"}), HasSubstr("--rate"));
  EXPECT_THAT(Mistake({"--jitter", "2"}),
              HasSubstr("\"2\" is not a fraction from 0 to 1"));
  EXPECT_THAT(Mistake({"--duration", "0s"}),
              HasSubstr("\"0s\" is not a positive duration such as 20ms"));
  EXPECT_THAT(Mistake({"--warm-up", "-1s"}),
              HasSubstr("\"-1s\" is not a duration such as 20ms"));
  EXPECT_THAT(Mistake({"--connections", "0"}), HasSubstr("--connections"));
  EXPECT_THAT(Mistake({"--seed", "-1"}), HasSubstr("must not be negative"));
  EXPECT_THAT(Mistake({"--sesions", "1"}), HasSubstr("--sesions"));
}

TEST(LoadOptionsTest, HelpShowsDefaultsAndDefinesAMiss) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  const std::string help = testing::internal::GetCapturedStdout();
  for (const char* text :
       {"127.0.0.1:50051", "--sessions INT=8", "--rate HZ=20", "=10s", "=1s",
        "A miss is", "--step-size", "Exit status"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
}

}  // namespace
}  // namespace foresight
