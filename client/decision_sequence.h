// Numbers the decisions of one session.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Knows which index the session's next request has, and what the request's
// answer says about the session. A decision whose answer was lost may have been
// made or not. Its index is asked for again, with whatever observation is
// newest: the server answers it, or says DECISION_CHANGED, which means that it
// was made, so that the next index is free. A server that came back without its
// last decisions says DECISION_SKIPPED and names the index that it is at: the
// session goes on there.
//
// An epoch tells apart the lives of a session: it grows at each import,
// take-over and restart. An answer of an older epoch comes from a server that
// no longer owns the session and is not to be acted on.
//
// Not thread-safe.
class DecisionSequence {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;

  enum class Next {
    kDone,   // The decision was answered: go on with the next one.
    kAgain,  // Ask again at once, with `next()`.
    kLater,  // Ask again after a wait: the error may pass.
    kAlign,  // The server is at another decision; see AlignNext.
    kFail,   // The error lasts until the caller changes something.
  };

  explicit DecisionSequence(const v1::Session& session) { Restart(session); }

  // The session was reset, or is described anew.
  void Restart(const v1::Session& session);

  uint64_t next() const { return next_; }
  // None once AlignNext was called, until the next answer.
  std::optional<uint64_t> next_index() const;
  uint64_t epoch() const { return epoch_; }
  // Answers of an older epoch so far.
  int64_t stale_answers() const { return stale_answers_; }
  // Decisions that were answered and that the server has lost since, so far.
  int64_t lost_decisions() const { return lost_decisions_; }

  // `answer`, or Unavailable if its epoch is older than one that was seen.
  Answer RefuseStale(Answer answer);

  // Takes the answer to the request for `next_index()`.
  Next Take(const Answer& answer);

  // Sends the next request without an index, so that the server says where the
  // session is. Only for calls of their own: a stream needs an index.
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
