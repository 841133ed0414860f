#include "server/support/log.h"

#include <gtest/gtest.h>

#include <limits>

namespace foresight {
namespace {

constexpr auto kText = LogFormat::kText;
constexpr auto kJson = LogFormat::kJson;

absl::Time Noon() { return absl::FromUnixMillis(1769860800123); }

TEST(LogTest, ATextLineHasTheTimeTheSeverityTheEventAndItsFields) {
  EXPECT_EQ(FormatLogLine(kText, Severity::kInfo, "session opened",
                          {{"id", "3fa4..."}, {"sessions", 2}}, Noon()),
            "2026-01-31T12:00:00.123Z INFO session opened id=3fa4... "
            "sessions=2\n");
  EXPECT_EQ(FormatLogLine(kText, Severity::kError, "x", {}, Noon()),
            "2026-01-31T12:00:00.123Z ERROR x\n");
}

TEST(LogTest, AJsonLineHasTheSameInItsOrder) {
  EXPECT_EQ(FormatLogLine(kJson, Severity::kWarning, "session opened",
                          {{"id", "3fa4..."}, {"sessions", 2}, {"share", 0.5}},
                          Noon()),
            "{\"time\":\"2026-01-31T12:00:00.123Z\",\"severity\":\"WARNING\","
            "\"event\":\"session opened\",\"id\":\"3fa4...\",\"sessions\":2,"
            "\"share\":0.5}\n");
}

TEST(LogTest, AFieldWithoutAValueIsLeftOut) {
  const LogFields fields = {{"request_id", ""}, {"reason", "DRAINING"}};
  EXPECT_EQ(FormatLogLine(kText, Severity::kInfo, "x", fields, Noon()),
            "2026-01-31T12:00:00.123Z INFO x reason=DRAINING\n");
  EXPECT_EQ(FormatLogLine(kJson, Severity::kInfo, "x", fields, Noon()),
            "{\"time\":\"2026-01-31T12:00:00.123Z\",\"severity\":\"INFO\","
            "\"event\":\"x\",\"reason\":\"DRAINING\"}\n");
}

TEST(LogTest, AClientsTextCannotForgeALine) {
  const LogFields fields = {{"id", "a\n2026 INFO \"forged\"\x1b"}};
  EXPECT_EQ(FormatLogLine(kText, Severity::kInfo, "x\ny", fields, Noon()),
            "2026-01-31T12:00:00.123Z INFO x\\ny "
            "id=\"a\\n2026 INFO \\\"forged\\\"\\x1b\"\n");
  EXPECT_EQ(
      FormatLogLine(kJson, Severity::kInfo, "x", fields, Noon()),
      "{\"time\":\"2026-01-31T12:00:00.123Z\",\"severity\":\"INFO\","
      "\"event\":\"x\",\"id\":\"a\\n2026 INFO \\\"forged\\\"\\u001b\"}\n");
}

TEST(LogTest, AnyBytesAndNumbersMakeValidJson) {
  EXPECT_EQ(FormatLogLine(kJson, Severity::kInfo, "x",
                          {{"id", "\xff"},
                           {"load", std::numeric_limits<double>::infinity()}},
                          Noon()),
            "{\"time\":\"2026-01-31T12:00:00.123Z\",\"severity\":\"INFO\","
            "\"event\":\"x\",\"id\":\"\xef\xbf\xbd\",\"load\":\"inf\"}\n");
}

}  // namespace
}  // namespace foresight
