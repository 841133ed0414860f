#include <algorithm>

#include "client/load/load_stream.h"
#include "client/load/transport.h"

namespace foresight {
namespace {

class StreamTransport : public Transport {
 public:
  StreamTransport(const Stubs& stubs, const std::vector<std::string>& sessions,
                  int sessions_per_stream, AnswerReceiver* receiver)
      : sessions_per_stream_(sessions_per_stream) {
    const size_t size = sessions_per_stream;
    for (size_t first = 0; first < sessions.size(); first += size) {
      const size_t count = std::min(size, sessions.size() - first);
      streams_.push_back(std::make_unique<LoadStream>(
          *stubs[streams_.size() % stubs.size()], static_cast<int>(first),
          absl::MakeConstSpan(sessions).subspan(first, count), receiver));
    }
  }

  void Send(int loop, absl::Span<const float> observation,
            absl::Duration time_left) override {
    streams_[loop / sessions_per_stream_]->Send(loop, observation, time_left);
  }

 private:
  const int sessions_per_stream_;
  std::vector<std::unique_ptr<LoadStream>> streams_;
};

}  // namespace

std::unique_ptr<Transport> MakeStreamTransport(
    const Stubs& stubs, const std::vector<std::string>& sessions,
    int sessions_per_stream, AnswerReceiver* receiver) {
  return std::make_unique<StreamTransport>(stubs, sessions, sessions_per_stream,
                                           receiver);
}

}  // namespace foresight
