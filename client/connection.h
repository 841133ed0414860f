// One channel to a server, which makes every unary call with a deadline,
// cancellation, typed errors and retries.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/replica_addresses.h"
#include "client/retry.h"
#include "foresight/call_options.h"
#include "foresight/cancellation.h"
#include "foresight/client_options.h"
#include "foresight/steady_time.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

void SetDeadline(SteadyTime deadline, grpc::ClientContext* context);

// Adds the header x-session-id, by which proxies send the call to the session's
// server. Does nothing for an empty id.
void NameSession(const std::string& session_id, grpc::ClientContext* context);

// Thread-safe.
class Connection {
 public:
  using Options = ClientOptions;

  // Whether the call can be repeated safely, so that it may be retried.
  enum class Repeat { kHarmless, kHarmful };

  // Waits until the server at `address` ("host:port") answers.
  // Errors:
  //   InvalidArgument: the address is empty, or a timeout, a reconnect wait
  //                    or max_attempts is not positive; and as MakeChannel.
  //   NotFound:        a file of `security` cannot be read.
  //   Unavailable:     nothing answered within connect_timeout.
  static absl::StatusOr<std::shared_ptr<const Connection>> Open(
      const std::string& address, const Options& options);

  // For one of several servers: does not wait; the connection is ready only
  // while the server says that it serves. Errors: as Open, except Unavailable.
  static absl::StatusOr<std::shared_ptr<const Connection>> OpenReplica(
      const ReplicaAddress& address, const Options& options);

  // Whether a call would reach the server at once. If not, starts to connect.
  bool ready() const;
  // Whether the last attempt to connect failed, or the server does not serve.
  bool failing() const;
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const Options& options() const { return options_; }
  v1::Adaptation::StubInterface& stub() const { return *stub_; }

  SteadyTime Deadline(const CallOptions& call) const;

  // Calls `method` of the stub with `request`. Errors: the server's;
  // Unavailable without a connection; DeadlineExceeded; Cancelled.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (v1::Adaptation::StubInterface::*method)(
          grpc::ClientContext*, const Request&, Response*),
      const Request& request, const CallOptions& call, Repeat repeat) const {
    Response response;
    const absl::Status status =
        Run(call, repeat, [&](grpc::ClientContext* context) {
          NameSession(SessionIdOf(request, 0), context);
          return (stub_.get()->*method)(context, request, &response);
        });
    if (!status.ok()) return status;
    return response;
  }

 private:
  Connection(const std::string& address, const Options& options,
             std::shared_ptr<grpc::Channel> channel)
      : address_(address),
        options_(options),
        channel_(std::move(channel)),
        stub_(v1::Adaptation::NewStub(channel_)) {}

  // Empty for requests that name no session.
  template <typename Request>
  static auto SessionIdOf(const Request& request, int)
      -> decltype(request.session_id()) {
    return request.session_id();
  }
  template <typename Request>
  static std::string SessionIdOf(const Request&, long) {
    return "";
  }

  absl::Status Run(
      const CallOptions& call, Repeat repeat,
      absl::FunctionRef<grpc::Status(grpc::ClientContext*)> attempt) const;

  const std::string address_;
  const Options options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Adaptation::StubInterface> stub_;
};

}  // namespace foresight
