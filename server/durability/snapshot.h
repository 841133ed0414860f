// The bytes of a SessionSnapshot (adaptation.proto).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/saved_session.pb.h"

namespace foresight {

// The serialised message, sealed (sealed.h).
std::string EncodeSnapshot(const v1::SavedSession& session);

// Errors: SNAPSHOT_INVALID: another format or version, a checksum that does not
// match, or bytes that are not such a message. The message's content is not
// checked.
absl::StatusOr<v1::SavedSession> DecodeSnapshot(absl::string_view snapshot);

}  // namespace foresight
