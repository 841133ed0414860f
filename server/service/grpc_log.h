// The log lines of gRPC and protobuf.
#pragma once

namespace foresight {

// Has Log write these lines, so that all lines of the log have one form, and
// lets only some of them pass each second. Call it before gRPC is used.
void RouteGrpcLog();

}  // namespace foresight
