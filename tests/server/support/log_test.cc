#include "server/support/log.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(LogTest, ALineHasTheTimeTheSeverityAndTheEvent) {
  const absl::Time now = absl::FromUnixMillis(1769860800123);
  EXPECT_EQ(FormatLogLine(Severity::kInfo, "listening on 127.0.0.1:1", now),
            "2026-01-31T12:00:00.123Z INFO listening on 127.0.0.1:1\n");
  EXPECT_EQ(FormatLogLine(Severity::kError, "x", now),
            "2026-01-31T12:00:00.123Z ERROR x\n");
}

TEST(LogTest, WhatAClientSentCannotForgeALine) {
  const std::string line = FormatLogLine(
      Severity::kWarning, "id=a\n2026 INFO forged\x1b", absl::UnixEpoch());
  EXPECT_EQ(line,
            "1970-01-01T00:00:00.000Z WARNING id=a\\n2026 INFO forged\\x1b\n");
}

}  // namespace
}  // namespace foresight
