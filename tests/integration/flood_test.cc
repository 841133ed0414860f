// Well-behaved clients are served beside careless ones.
//
// The number of answers in time depends on the machine; `flood` and
// foresight-load measure it (docs/scheduling.md).
#include "tests/integration/flood.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/integration/program_test.h"

namespace foresight {
namespace {

constexpr int64_t kMiB = 1 << 20;

class FloodTest : public ProgramTest {
 protected:
  static std::string Program(const std::string& name) {
    return absl::StrCat(FORESIGHT_BUILD_DIR, "/bin/", name);
  }

  // The most memory that the server has had so far, in bytes.
  int64_t PeakMemory() const {
    std::ifstream status(absl::StrCat("/proc/", server_->id(), "/status"));
    for (std::string line; std::getline(status, line);) {
      absl::string_view text = line;
      int64_t kibibytes;
      if (absl::ConsumePrefix(&text, "VmHWM:") &&
          absl::ConsumeSuffix(&text, " kB") &&
          absl::SimpleAtoi(text, &kibibytes)) {
        return kibibytes << 10;
      }
    }
    ADD_FAILURE() << "its memory is not known";
    return 0;
  }
};

TEST_F(FloodTest, LoopsAreAnsweredAndMemoryIsBounded) {
  Start(Serving({"--model", Path("random"), "--threads", "2"}));
  const int64_t memory_before = PeakMemory();
  {
    const Flood flood(address_, Program("endless_client"));
    const CommandResult load = RunCommand(
        {Program("foresight-load"), "--server", address_, "--connect-timeout",
         "30s", "--sessions", "16", "--rate", "2", "--deadline", "20s",
         "--duration", "25s", "--json", Path("load.json"), "--quiet"});
    EXPECT_EQ(load.exit_code, 0) << load.errors;
    EXPECT_GT(flood.answered(), 0);
    EXPECT_GT(flood.refused(), 0);
    EXPECT_GT(flood.killed(), 0);
  }
  const auto seen = nlohmann::json::parse(std::ifstream(Path("load.json")));
  EXPECT_GT(seen["sent"], 0);
  EXPECT_EQ(seen["answered"], seen["sent"]) << seen["errors"];
  EXPECT_LT(PeakMemory() - memory_before, 512 * kMiB);
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait().exit_code, 0);
}

}  // namespace
}  // namespace foresight
