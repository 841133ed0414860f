// Sends the requests of a load to the server.
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
#include "foresight/security_options.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

// Receives the results of requests on gRPC's threads. Must not block.
class AnswerReceiver {
 public:
  virtual ~AnswerReceiver() = default;
  virtual void OnAnswer(int loop, const v1::ActResponse& response) = 0;
  // `reason` is from adaptation.proto, or else the name of the code.
  virtual void OnError(int loop, absl::string_view reason) = 0;
};

// Each loop's request and response are reused: a loop may send again only after
// it has received its answer or error.
//
// Only one thread may call Send. The destructor ends outstanding requests with
// errors and returns when nothing calls the receiver any more.
class Transport {
 public:
  virtual ~Transport() = default;
  // Sends `observation` [S], which should be answered within `time_left`.
  virtual void Send(int loop, absl::Span<const float> observation,
                    absl::Duration time_left) = 0;
};

using Stubs = std::vector<std::unique_ptr<v1::Adaptation::Stub>>;

// Loop i has the session sessions[i]. `stubs` and `receiver` must outlive the
// transport.

// Makes one call for each decision, with the time left as its deadline.
// Sessions are spread over the stubs.
std::unique_ptr<Transport> MakeUnaryTransport(
    const Stubs& stubs, const std::vector<std::string>& sessions,
    AnswerReceiver* receiver);

// Uses streams of at most `sessions_per_stream` (>= 1) sessions, which are
// spread over the stubs. The time left is sent as the budget. A stream that has
// ended is not reopened: its sessions then only get errors.
std::unique_ptr<Transport> MakeStreamTransport(
    const Stubs& stubs, const std::vector<std::string>& sessions,
    int sessions_per_stream, AnswerReceiver* receiver);

// Opens separate connections to the server at `address`.
// Errors: Unavailable: no connection within `timeout`.
absl::StatusOr<Stubs> OpenStubs(const std::string& address, int connections,
                                absl::Duration timeout,
                                const SecurityOptions& security = {});

// Replaces the observation of a session's request.
void SetObservation(absl::Span<const float> observation,
                    v1::ActRequest* request);

// The reason of a failed call or stream, or else the name of its code.
std::string ReasonOf(const absl::Status& status);

}  // namespace foresight
