#include "client/run/shared_stream.h"

#include <utility>

namespace foresight {

std::shared_ptr<ControlStream> SharedStream::Current(int replica) {
  std::shared_ptr<ControlStream>
      broken;  // Destroyed without the lock, since that may wait.
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<ControlStream>& stream = streams_[replica];
  if (stream == nullptr || stream->broken()) {
    broken = std::move(stream);
    stream = client_.OpenControlStream(replica);
  }
  return stream;
}

}  // namespace foresight
