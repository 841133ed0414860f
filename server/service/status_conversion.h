// Converts errors to their form on the wire.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// The status of a call, with every payload of `status` as a detail of a
// google.rpc.Status in grpc-status-details-bin.
grpc::Status ToGrpc(const absl::Status& status);

// The error in an answer of a Control stream.
v1::Error ToError(const absl::Status& status);

}  // namespace foresight
