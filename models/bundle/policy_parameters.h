// psi, the adapted policy's parameters, which sessions store and engines
// change: opaque, since each engine chooses its own layout.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace foresight {

// Not thread-safe: a session is one control loop.
class PolicyParameters {
 public:
  virtual ~PolicyParameters() = default;

  virtual std::unique_ptr<PolicyParameters> Clone() const = 0;

  // Bytes of psi that this session stores for itself; 0 while it shares the
  // model's psi_0, that is until psi first changes.
  virtual size_t owned_bytes() const = 0;

  // The form for snapshots and for exchange between engines: float32, the
  // tensors of Bundle::PolicyTensorNames() in row-major order, one after
  // another.
  virtual std::vector<float> Export() const = 0;

  // Errors: InvalidArgument: the number of values differs from Export's, or a
  // value is not finite. After an error nothing has changed.
  virtual absl::Status Import(absl::Span<const float> values) = 0;
};

}  // namespace foresight
