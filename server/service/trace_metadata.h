// Reads the metadata by which a caller finds its call in logs and traces.
#pragma once

#include "grpcpp/server_context.h"
#include "server/support/call_tags.h"

namespace foresight {

// The call's x-request-id and traceparent; malformed ones are left out.
CallTags ReadTags(const grpc::CallbackServerContext& context);

// Sends the call's x-request-id back in its initial metadata. Call it once,
// before that is sent.
void EchoRequestId(grpc::CallbackServerContext& context);

}  // namespace foresight
