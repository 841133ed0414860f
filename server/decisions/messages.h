// Converts internal types to protobuf messages.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "proto/adaptation.pb.h"
#include "server/adaptation/engine.h"
#include "server/registry/loaded_model.h"
#include "server/sessions/session_state.h"

namespace foresight {

v1::Model ToProto(const LoadedModel& model);

v1::Session ToProto(const SessionState& session);

v1::Outcome ToProto(Outcome outcome);

// The answer to `decision_index` of `session_id`, which is empty for a
// stateless call.
v1::ActResponse ToProto(const Decision& decision, const std::string& session_id,
                        uint64_t decision_index, absl::Duration queue_time,
                        absl::Duration adapt_time);

}  // namespace foresight
