#include "server/durability/snapshot.h"

#include "absl/strings/str_cat.h"
#include "server/durability/sealed.h"
#include "server/support/error.h"

namespace foresight {
namespace {

constexpr absl::string_view kFormat = "foresight-snapshot/1";

absl::Status Invalid(absl::string_view what) {
  return MakeError(Reason::kSnapshotInvalid,
                   absl::StrCat("the snapshot cannot be read: ", what));
}

}  // namespace

std::string EncodeSnapshot(const v1::SavedSession& session) {
  return Seal(kFormat, session.SerializeAsString());
}

absl::StatusOr<v1::SavedSession> DecodeSnapshot(absl::string_view snapshot) {
  const auto content = Unseal(kFormat, snapshot);
  if (!content.ok()) return Invalid(content.status().message());
  v1::SavedSession session;
  if (!session.ParseFromString(*content)) {
    return Invalid("it is not a saved session");
  }
  return session;
}

}  // namespace foresight
