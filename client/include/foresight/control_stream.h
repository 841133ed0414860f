// Decisions of many sessions over one stream, at half the cost of separate
// calls.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "foresight/call_options.h"
#include "foresight/proto/adaptation.pb.h"

namespace foresight {

class Connection;
class ControlReactor;

// Made by AdaptationClient::OpenControlStream. Each request gets exactly one
// answer, matched by its session_id and decision_index, in the order in which
// the server has them ready.
//
// A stream ends as a whole: by Close, when the connection or the server is
// lost, or when the server no longer accepts its token. Then all outstanding
// and all later requests are answered with an error. The sessions live on; open
// a new stream and go on with it.
//
// Thread-safe. It owns the stream and keeps the connection open.
class ControlStream {
 public:
  using Answer = absl::StatusOr<v1::ActResponse>;
  using OnAnswer = std::function<void(Answer)>;

  explicit ControlStream(std::shared_ptr<const Connection> connection);
  ~ControlStream();  // Closes.
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;

  // Sends `request` and returns at once. `on_answer` is called exactly once: on
  // a thread of gRPC, or inside Send if the request cannot be sent. It must not
  // block, nor destroy or close the stream.
  // Errors, as answers:
  //   the server's, as adaptation.proto lists for Act
  //   InvalidArgument: the request has no decision_index to match it by.
  //   Aborted (DECISION_IN_FLIGHT): this decision awaits its answer already.
  //   Unavailable, Cancelled, ...:  how the stream ended.
  void Send(const v1::ActRequest& request, OnAnswer on_answer);

  // Sends and waits. A request that was given up may be repeated: it then waits
  // for the answer that is on its way. With another observation it is Aborted
  // (DECISION_IN_FLIGHT) until that answer has arrived.
  // Errors: as Send, and
  //   DeadlineExceeded: no answer within the call's timeout.
  //   Cancelled:        the call's Cancellation was cancelled.
  Answer Act(const v1::ActRequest& request, const CallOptions& call = {});

  // True once the stream has ended: nothing more can be sent.
  bool broken() const;

  // True once the stream has ended and every call is answered. Then destroying
  // it does not wait.
  bool done() const;

  // Begins to end the stream and returns at once; done() is true when it has
  // ended.
  void Cancel();

  // Ends the stream. Outstanding requests are answered with Cancelled before
  // this returns; the server may or may not have made their decisions.
  void Close();

 private:
  const std::shared_ptr<const Connection> connection_;
  const std::unique_ptr<ControlReactor> reactor_;
};

}  // namespace foresight
