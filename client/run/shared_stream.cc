#include "client/run/shared_stream.h"

#include <utility>

namespace foresight {

std::shared_ptr<ControlStream> SharedStream::Current() {
  std::shared_ptr<ControlStream> broken;  // Destroyed after the lock.
  absl::MutexLock lock(&mutex_);
  if (stream_ == nullptr || stream_->broken()) {
    broken = std::move(stream_);
    stream_ = client_.OpenControlStream();
  }
  return stream_;
}

}  // namespace foresight
