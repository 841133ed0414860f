// psi, the adapted policy's parameters, as sessions keep them and engines
// change them: opaque, since each engine lays them out as it likes.
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

  // Bytes of psi that are kept for this session; 0 while it shares the model's
  // psi_0, which is until psi is first changed.
  virtual size_t owned_bytes() const = 0;

  // The exchange form between engines and for snapshots: float32, the tensors
  // of Bundle::PolicyTensorNames() row-major one after the other.
  virtual std::vector<float> Export() const = 0;

  // Errors: InvalidArgument: not as many values as Export gives, or one that
  // is not finite; nothing is changed then.
  virtual absl::Status Import(absl::Span<const float> values) = 0;
};

}  // namespace foresight
