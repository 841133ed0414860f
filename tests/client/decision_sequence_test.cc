#include "client/decision_sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/error_conversion.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using Answer = DecisionSequence::Answer;
using Next = DecisionSequence::Next;

v1::Session SessionAt(uint64_t next_decision, uint64_t epoch) {
  v1::Session session;
  session.set_next_decision(next_decision);
  session.set_epoch(epoch);
  return session;
}

Answer AnswerTo(uint64_t index, uint64_t epoch) {
  v1::ActResponse response;
  response.set_decision_index(index);
  response.set_epoch(epoch);
  return response;
}

Answer Refusal(const char* reason) {
  return CallError(absl::StatusCode::kFailedPrecondition, "", reason,
                   std::nullopt);
}

Answer InFlight() {
  return CallError(absl::StatusCode::kAborted, "", "DECISION_IN_FLIGHT",
                   std::nullopt);
}

TEST(DecisionSequenceTest, AnAnswerMovesToTheNextIndex) {
  DecisionSequence sequence(SessionAt(3, 0));
  EXPECT_EQ(sequence.next_index(), 3u);
  EXPECT_EQ(sequence.Take(AnswerTo(3, 0)), Next::kDone);
  EXPECT_EQ(sequence.next_index(), 4u);
}

TEST(DecisionSequenceTest, ALostAnswerIsAskedForUnderItsIndex) {
  DecisionSequence sequence(SessionAt(3, 0));
  for (const absl::Status& lost :
       {absl::UnavailableError(""), absl::DeadlineExceededError(""),
        absl::CancelledError(""), absl::InternalError("")}) {
    EXPECT_EQ(sequence.Take(lost), Next::kLater) << lost;
    EXPECT_EQ(sequence.next_index(), 3u);
  }
}

TEST(DecisionSequenceTest, AChangedDecisionAfterALostAnswerHadBeenMade) {
  DecisionSequence sequence(SessionAt(3, 0));
  EXPECT_EQ(sequence.Take(absl::UnavailableError("")), Next::kLater);
  EXPECT_EQ(sequence.Take(Refusal("DECISION_CHANGED")), Next::kAgain);
  EXPECT_EQ(sequence.next_index(), 4u);
  // Only one answer was lost.
  EXPECT_EQ(sequence.Take(Refusal("DECISION_CHANGED")), Next::kAlign);
}

TEST(DecisionSequenceTest, AnErrorWhileAligningLasts) {
  for (const char* reason : {"DECISION_CHANGED", "DECISION_SKIPPED"}) {
    DecisionSequence sequence(SessionAt(3, 0));
    EXPECT_EQ(sequence.Take(Refusal(reason)), Next::kAlign);
    EXPECT_EQ(sequence.next_index(), 3u);
    sequence.AlignNext();
    EXPECT_EQ(sequence.Take(Refusal(reason)), Next::kFail);
  }
}

TEST(DecisionSequenceTest, ADecisionInFlightIsWaitedFor) {
  DecisionSequence sequence(SessionAt(3, 0));
  EXPECT_EQ(sequence.Take(absl::CancelledError("")), Next::kLater);
  EXPECT_EQ(sequence.Take(InFlight()), Next::kLater);
  EXPECT_EQ(sequence.Take(Refusal("DECISION_CHANGED")), Next::kAgain);
  EXPECT_EQ(sequence.next_index(), 4u);
}

TEST(DecisionSequenceTest, ASkippedDecisionIsAlignedWithTheServer) {
  DecisionSequence sequence(SessionAt(9, 0));
  EXPECT_EQ(sequence.Take(Refusal("DECISION_SKIPPED")), Next::kAlign);
  sequence.AlignNext();
  EXPECT_EQ(sequence.next_index(), std::nullopt);
  EXPECT_EQ(sequence.Take(absl::UnavailableError("")), Next::kLater);
  EXPECT_EQ(sequence.next_index(), std::nullopt);
  EXPECT_EQ(sequence.Take(AnswerTo(5, 0)), Next::kDone);
  EXPECT_EQ(sequence.next_index(), 6u);
}

TEST(DecisionSequenceTest, ErrorsOfTheCallerLast) {
  DecisionSequence sequence(SessionAt(0, 0));
  EXPECT_EQ(sequence.Take(absl::InvalidArgumentError("")), Next::kFail);
  EXPECT_EQ(sequence.Take(absl::NotFoundError("")), Next::kFail);
  EXPECT_EQ(sequence.Take(absl::PermissionDeniedError("")), Next::kFail);
}

TEST(DecisionSequenceTest, AnAnswerOfAnOlderEpochIsRefusedAndCounted) {
  DecisionSequence sequence(SessionAt(0, 2));
  EXPECT_EQ(sequence.Take(AnswerTo(0, 3)), Next::kDone);
  EXPECT_EQ(sequence.epoch(), 3u);
  EXPECT_TRUE(sequence.RefuseStale(AnswerTo(1, 3)).ok());
  EXPECT_EQ(sequence.stale_answers(), 0);
  const Answer refused = sequence.RefuseStale(AnswerTo(1, 2));
  EXPECT_EQ(refused.status(),
            absl::UnavailableError("the answer is of epoch 2 of the session, "
                                   "which is in epoch 3"));
  EXPECT_EQ(sequence.stale_answers(), 1);
  EXPECT_EQ(sequence.Take(refused), Next::kLater);
  EXPECT_EQ(sequence.next_index(), 1u);
}

TEST(DecisionSequenceTest, ARestartCountsAnewAndKeepsTheEpoch) {
  DecisionSequence sequence(SessionAt(0, 3));
  EXPECT_EQ(sequence.Take(absl::UnavailableError("")), Next::kLater);
  sequence.Restart(SessionAt(0, 0));
  EXPECT_EQ(sequence.next_index(), 0u);
  EXPECT_EQ(sequence.epoch(), 3u);
  EXPECT_EQ(sequence.Take(Refusal("DECISION_CHANGED")), Next::kAlign);
}

// DECISION_SKIPPED that names the decision expected.
Answer Skipped(uint64_t expected) {
  v1::Error error;
  error.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  error.set_reason("DECISION_SKIPPED");
  error.set_next_decision(expected);
  return FromAnswer(error);
}

TEST(DecisionSequenceTest, AfterACrashItGoesOnWhereTheServerIs) {
  DecisionSequence sequence(SessionAt(9, 1));
  EXPECT_EQ(sequence.Take(Skipped(6)), Next::kAgain);
  EXPECT_EQ(sequence.next_index(), 6u);
  EXPECT_EQ(sequence.lost_decisions(), 3);
  EXPECT_EQ(sequence.Take(AnswerTo(6, 2)), Next::kDone);
  EXPECT_EQ(sequence.next_index(), 7u);
  EXPECT_EQ(sequence.epoch(), 2u);
  EXPECT_EQ(sequence.Take(Skipped(5)), Next::kAgain);
  EXPECT_EQ(sequence.lost_decisions(), 5);
}

TEST(DecisionSequenceTest, AnIndexThatIsNotBehindIsNotFollowed) {
  DecisionSequence sequence(SessionAt(9, 1));
  EXPECT_EQ(sequence.Take(Skipped(9)), Next::kAlign);
  EXPECT_EQ(sequence.next_index(), 9u);
  EXPECT_EQ(sequence.lost_decisions(), 0);
}

}  // namespace
}  // namespace foresight
