// The streams that the episodes of a run share: one to each replica.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "foresight/adaptation_client.h"
#include "foresight/control_stream.h"

namespace foresight {

// Opens another stream if one has broken; the sessions live on.
//
// Thread-safe.
class SharedStream {
 public:
  // `client` outlives this.
  explicit SharedStream(const AdaptationClient& client)
      : client_(client), streams_(client.replicas()) {}

  // Returns a stream to `replica`, one that is not known to be broken. Hold it
  // while you use it.
  std::shared_ptr<ControlStream> Current(int replica = 0)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const AdaptationClient& client_;
  absl::Mutex mutex_;
  // One per replica; null until it is used.
  std::vector<std::shared_ptr<ControlStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
