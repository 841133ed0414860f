#include "client/answer_slot.h"

#include <gtest/gtest.h>

#include <thread>

namespace foresight {
namespace {

AnswerSlot::Answer AnswerOf(uint64_t index) {
  v1::ActResponse response;
  response.set_decision_index(index);
  return response;
}

TEST(AnswerSlotTest, TheFirstAnswerIsKept) {
  AnswerSlot slot;
  slot.Give(AnswerOf(1));
  slot.Give(AnswerOf(2));
  const auto answer = slot.Await(SteadyTime::max());
  ASSERT_TRUE(answer.has_value() && answer->ok());
  EXPECT_EQ((*answer)->decision_index(), 1u);
}

TEST(AnswerSlotTest, NoAnswerByTheDeadlineIsNone) {
  const AnswerSlot slot;
  EXPECT_FALSE(slot.Await(SteadyNow()).has_value());
  EXPECT_FALSE(slot.Await(SteadyTime::min()).has_value());
}

TEST(AnswerSlotTest, AnAnswerEndsTheWait) {
  AnswerSlot slot;
  std::thread giver([&] { slot.Give(absl::UnavailableError("gone")); });
  const auto answer = slot.Await(SteadyTime::max());
  giver.join();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status(), absl::UnavailableError("gone"));
}

}  // namespace
}  // namespace foresight
