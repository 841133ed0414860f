// gRPC's own log lines.
#pragma once

namespace foresight {

// From now on they are written by Log, so that every line of the log has one
// form. Call it before gRPC is used.
void RouteGrpcLog();

}  // namespace foresight
