// The answer to one decision, handed from a thread of gRPC to the loop that
// waits for it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "client/steady_time.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Keeps the first answer that it is given. It waits on the monotonic clock,
// which absl::Mutex does not, hence the standard library's mutex.
//
// Thread-safe.
class AnswerSlot {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;

  // Ignored if there is an answer already.
  void Give(Answer answer);

  // The answer, as soon as there is one; none if there is none at `deadline`.
  std::optional<Answer> Await(SteadyTime deadline) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable given_;
  std::optional<Answer> answer_;  // Guarded by mutex_.
};

}  // namespace foresight
