// The stream that the episodes of a run share.
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/adaptation_client.h"
#include "client/control_stream.h"

namespace foresight {

// Opens another stream if one has broken; the sessions live on.
//
// Thread-safe.
class SharedStream {
 public:
  // `client` outlives this.
  explicit SharedStream(const AdaptationClient& client) : client_(client) {}

  // The open stream, or a new one if it broke. Hold it while you use it.
  std::shared_ptr<ControlStream> Current() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const AdaptationClient& client_;
  absl::Mutex mutex_;
  std::shared_ptr<ControlStream> stream_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
