#include "server/decisions/call_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kId[] = "0123456789abcdef";

// The lines that `body` writes.
std::string Lines(const std::function<void()>& body) {
  testing::internal::CaptureStderr();
  body();
  return testing::internal::GetCapturedStderr();
}

size_t Count(const std::string& lines) {
  return std::count(lines.begin(), lines.end(), '\n');
}

class CallLogTest : public ::testing::Test {
 protected:
  absl::Time now_ = absl::UnixEpoch();
  CallLog log_{[this] { return now_; }};
  const absl::Status full_ =
      MakeError(Reason::kOverloaded, "the queue is full of secrets");
};

TEST_F(CallLogTest, ALineHasTheCallAndTheBeginningOfItsSessionsId) {
  EXPECT_THAT(Lines([this] {
                log_.Failure("decision failed", full_, kId, "ipv4:1.2.3.4:5",
                             {"loop-7", "00-abc"});
              }),
              AllOf(HasSubstr("WARNING decision failed reason=OVERLOADED "
                              "code=RESOURCE_EXHAUSTED id=01234567... "
                              "client=ipv4:1.2.3.4:5 request_id=loop-7 "
                              "traceparent=00-abc\n"),
                    Not(HasSubstr("secrets"))));
  EXPECT_THAT(Lines([this] {
                log_.SessionEvent("session opened", "short", "walker", {});
              }),
              HasSubstr("INFO session opened id=short model=walker\n"));
}

TEST_F(CallLogTest, AFloodOfLinesIsLimitedAndCounted) {
  const auto fail = [this] {
    log_.Failure("decision failed", full_, "", "", {});
  };
  const size_t first = Count(Lines([&] {
    for (int i = 0; i < 1000; ++i) fail();
  }));
  EXPECT_GE(first, 1u);
  EXPECT_LE(first, 10u);
  now_ += absl::Seconds(1);
  EXPECT_THAT(Lines(fail),
              HasSubstr("left_out=" + std::to_string(1000 - first) + "\n"));
  EXPECT_THAT(Lines(fail), Not(HasSubstr("left_out")));
}

TEST_F(CallLogTest, AFloodOfOneReasonDoesNotHideAnother) {
  Lines([&] {
    for (int i = 0; i < 1000; ++i) {
      log_.Failure("decision failed", full_, "", "", {});
    }
  });
  EXPECT_THAT(
      Lines([this] {
        log_.Failure("decision failed", DrainingError(), "", "", {});
        log_.Failure("decision failed", absl::UnknownError(""), "", "", {});
        log_.EngineFailure(absl::InternalError("broken"), "", {});
      }),
      AllOf(HasSubstr("reason=DRAINING"), HasSubstr("code=UNKNOWN"),
            HasSubstr("ERROR engine failed error=\"INTERNAL: broken\"")));
}

}  // namespace
}  // namespace foresight
