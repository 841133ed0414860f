// How the requests of a load reach the server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/security_options.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

// Gets what becomes of the requests, on threads of gRPC. Must not block.
class AnswerReceiver {
 public:
  virtual ~AnswerReceiver() = default;
  virtual void OnAnswer(int loop, const v1::ActResponse& response) = 0;
  // `reason`: as adaptation.proto names it, else the name of the code.
  virtual void OnError(int loop, absl::string_view reason) = 0;
};

// Each loop has its own request and response, which are reused: a loop may send
// again once its answer or error has been received, and not sooner.
//
// Send is for one thread. Destroying ends what is outstanding, with errors, and
// returns when nothing calls the receiver any more.
class Transport {
 public:
  virtual ~Transport() = default;
  // Sends `observation` [S], to be answered within `time_left`.
  virtual void Send(int loop, absl::Span<const float> observation,
                    absl::Duration time_left) = 0;
};

using Stubs = std::vector<std::unique_ptr<v1::Adaptation::Stub>>;

// Loop i is the session with sessions[i]. `stubs` and `receiver` must outlive
// the transport.

// One call for each decision, whose deadline is the time left. Sessions take
// turns over the stubs.
std::unique_ptr<Transport> MakeUnaryTransport(
    const Stubs& stubs, const std::vector<std::string>& sessions,
    AnswerReceiver* receiver);

// Streams of at most `sessions_per_stream` (>= 1) sessions, which take turns
// over the stubs. The time left travels as the budget. A stream that ended is
// not opened again: its sessions only get errors from then on.
std::unique_ptr<Transport> MakeStreamTransport(
    const Stubs& stubs, const std::vector<std::string>& sessions,
    int sessions_per_stream, AnswerReceiver* receiver);

// Connections of their own to the server at `address`.
// Errors: Unavailable: no connection within `timeout`.
absl::StatusOr<Stubs> OpenStubs(const std::string& address, int connections,
                                absl::Duration timeout,
                                const SecurityOptions& security = {});

// The request of a session, for every decision: replaces its observation.
void SetObservation(absl::Span<const float> observation,
                    v1::ActRequest* request);

// The reason of a failed call or stream, else the name of its code.
std::string ReasonOf(const absl::Status& status);

}  // namespace foresight
