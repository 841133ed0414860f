// Errors as the wire carries them.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// With every payload of `status` as a detail of a google.rpc.Status in
// grpc-status-details-bin.
grpc::Status ToGrpc(const absl::Status& status);

// How a Control stream carries it.
v1::Error ToError(const absl::Status& status);

}  // namespace foresight
