#include "server/durability/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/durability/sealed.h"
#include "server/support/error.h"

namespace foresight {
namespace {

v1::SavedSession Session() {
  v1::SavedSession session;
  session.set_session_id("a");
  session.set_next_decision(3);
  session.mutable_parameters()->Add(0.5f);
  return session;
}

std::string ReasonOf(const std::string& bytes) {
  const auto decoded = DecodeSnapshot(bytes);
  return decoded.ok() ? "" : ReasonName(decoded.status());
}

TEST(SnapshotTest, DecodingUndoesEncoding) {
  const auto decoded = DecodeSnapshot(EncodeSnapshot(Session()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->SerializeAsString(), Session().SerializeAsString());
}

TEST(SnapshotTest, AChangedSnapshotIsInvalid) {
  std::string bytes = EncodeSnapshot(Session());
  bytes.back() ^= 1;
  EXPECT_EQ(ReasonOf(bytes), "SNAPSHOT_INVALID");
}

TEST(SnapshotTest, OtherContentUnderARightSealIsInvalid) {
  EXPECT_EQ(ReasonOf(Seal("foresight-snapshot/1", "\xff")), "SNAPSHOT_INVALID");
}

}  // namespace
}  // namespace foresight
