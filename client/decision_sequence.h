// Numbers the decisions of one session.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Chooses the index of the session's next request and learns from its answer. A
// decision whose answer was lost may have been made or not. Its index is
// requested again with the newest observation. The server then answers it, or
// says DECISION_CHANGED, which means that it was made and the next index is
// free. A server that came back without its last decisions says
// DECISION_SKIPPED and names the index that it is at: the session goes on
// there.
//
// An epoch distinguishes the lives of a session: it grows at each import,
// take-over and restart. An answer with an older epoch comes from a server that
// no longer owns the session, and must not be acted on.
//
// Not thread-safe.
class DecisionSequence {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;

  enum class Next {
    kDone,   // The decision was answered: continue with the next one.
    kAgain,  // Ask again at once, with `next()`.
    kLater,  // Ask again after a wait: the error is transient.
    kAlign,  // The server is at another decision; see AlignNext.
    kFail,   // The error stays until the caller changes something.
  };

  explicit DecisionSequence(const v1::Session& session) { Restart(session); }

  // Starts anew after a reset, or with a new description.
  void Restart(const v1::Session& session);

  uint64_t next() const { return next_; }
  // None after AlignNext, until the next answer.
  std::optional<uint64_t> next_index() const;
  uint64_t epoch() const { return epoch_; }
  // The number of answers with an older epoch so far.
  int64_t stale_answers() const { return stale_answers_; }
  // The number of answered decisions that the server has lost so far.
  int64_t lost_decisions() const { return lost_decisions_; }

  // Returns `answer`, or Unavailable if its epoch is older than the newest
  // seen.
  Answer RefuseStale(Answer answer);

  // Takes the answer to the request for `next_index()`.
  Next Take(const Answer& answer);

  // Makes the next request have no index, so that the server says where the
  // session is. Only for separate calls: a stream needs an index.
  void AlignNext() { aligning_ = true; }

 private:
  uint64_t next_ = 0;
  uint64_t epoch_ = 0;
  int64_t stale_answers_ = 0;
  int64_t lost_decisions_ = 0;
  bool lost_ = false;  // next_ may have been made.
  bool aligning_ = false;
};

}  // namespace foresight
