// The answer to one decision, handed from gRPC's thread to the waiting loop.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "foresight/steady_time.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Keeps the first answer that it is given. It uses the standard library's
// mutex, whose waits follow the monotonic clock, unlike those of absl::Mutex.
//
// Thread-safe.
class AnswerSlot {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;

  // Does nothing if there is an answer already.
  void Give(Answer answer);

  // Waits for the answer; returns none if there is none at `deadline`.
  std::optional<Answer> Await(SteadyTime deadline) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable given_;
  std::optional<Answer> answer_;  // Guarded by mutex_.
};

}  // namespace foresight
