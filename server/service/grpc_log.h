// The log lines of gRPC and protobuf.
#pragma once

namespace foresight {

// From now on they are written by Log, so that every line of the log has one
// form, and only some of them each second. Call it before gRPC is used.
void RouteGrpcLog();

}  // namespace foresight
