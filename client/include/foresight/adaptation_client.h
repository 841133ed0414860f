// The entry point of the client library: connect to a server, ask for its
// models, open sessions. client/README.md shows a whole control loop.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "foresight/call_options.h"
#include "foresight/client_options.h"
#include "foresight/control_stream.h"
#include "foresight/proto/adaptation.pb.h"
#include "foresight/reconnecting_stream.h"
#include "foresight/remote_session.h"
#include "foresight/session_options.h"

namespace foresight {

class Replicas;

// Connections to one server, or to replicas that share a store. Copies share
// them. Every call has a deadline. Its errors have the server's code and
// message; ErrorReason and RetryAfter (foresight/call_error.h) read the rest.
// Besides the errors that a function lists there are always
//   Unavailable:      no connection.
//   DeadlineExceeded: no answer in time.
//   Cancelled:        the call's Cancellation was cancelled.
// Calls that can be repeated safely are retried (foresight/retry_policy.h):
// after UNAVAILABLE and ABORTED, and after RESOURCE_EXHAUSTED if the server
// says when to come back.
//
// Thread-safe.
class AdaptationClient {
 public:
  using Options = ClientOptions;

  // Waits until a server answers. `address` is "host:port" or, for several,
  // "host:port,host:port" or a name that has several addresses in DNS.
  // Errors:
  //   InvalidArgument: `address` or an option is wrong.
  //   NotFound:        a file of Options::security cannot be read.
  //   Unavailable:     nothing answered within connect_timeout.
  static absl::StatusOr<AdaptationClient> Connect(
      const std::string& address, const Options& options = Options());

  absl::StatusOr<std::vector<v1::Model>> ListModels(
      const CallOptions& call = {}) const;

  // Errors: NotFound (MODEL_UNKNOWN).
  absl::StatusOr<v1::Model> GetModel(const std::string& name,
                                     const CallOptions& call = {}) const;

  // Opens a new control loop at decision 0. The call is retried unless the
  // options name the session_id. A retry, a deadline or a cancellation may
  // leave an unused session behind, which the server frees after its idle
  // timeout.
  // Errors: as adaptation.proto lists for OpenSession.
  absl::StatusOr<RemoteSession> OpenSession(const SessionOptions& options = {},
                                            const CallOptions& call = {}) const;

  // Makes one stateless decision (a request without session_id).
  // Errors: as adaptation.proto lists for Act.
  absl::StatusOr<v1::ActResponse> Act(const v1::ActRequest& request,
                                      const CallOptions& call = {}) const;

  int replicas() const;

  // Opens a stream for decisions of any number of sessions at `replica`
  // (RemoteSession::Place).
  std::unique_ptr<ControlStream> OpenControlStream(int replica = 0) const;
  // Opens a stream to every replica, and reopens each one that ends.
  std::unique_ptr<ReconnectingStream> OpenReconnectingStream(
      const ReconnectingStream::Options& options = {}) const;

 private:
  explicit AdaptationClient(std::shared_ptr<const Replicas> replicas)
      : replicas_(std::move(replicas)) {}

  std::shared_ptr<const Replicas> replicas_;
};

}  // namespace foresight
