#include "client/connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/call_error.h"

namespace foresight {
namespace {

absl::Status Check(const std::string& address,
                   const Connection::Options& options) {
  if (address.empty()) {
    return absl::InvalidArgumentError("the server's address is empty");
  }
  if (options.connect_timeout <= absl::ZeroDuration() ||
      options.call_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("timeouts must be positive");
  }
  if (options.retry.max_attempts < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_attempts is ", options.retry.max_attempts, ", expected >= 1"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Connection>> Connection::Open(
    const std::string& address, const Options& options) {
  if (absl::Status status = Check(address, options); !status.ok()) {
    return status;
  }
  grpc::ChannelArguments arguments;
  // A server that restarts is found again within one retry or two.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  const auto credentials = options.credentials != nullptr
                               ? options.credentials
                               : grpc::InsecureChannelCredentials();
  const auto channel =
      grpc::CreateCustomChannel(address, credentials, arguments);
  if (!channel->WaitForConnected(
          absl::ToChronoTime(absl::Now() + options.connect_timeout))) {
    return absl::UnavailableError(
        absl::StrCat("no server answered at ", address, " within ",
                     absl::FormatDuration(options.connect_timeout),
                     "; is foresight-server running there?"));
  }
  return std::shared_ptr<const Connection>(
      new Connection(options, v1::Adaptation::NewStub(channel)));
}

absl::Time Connection::Deadline(const CallOptions& call) const {
  return absl::Now() + call.timeout.value_or(options_.call_timeout);
}

absl::Status Connection::Run(
    const CallOptions& call, Repeat repeat,
    absl::FunctionRef<grpc::Status(grpc::ClientContext*)> attempt) const {
  RetryPolicy policy = options_.retry;
  if (repeat == Repeat::kHarmful) policy.max_attempts = 1;
  const absl::Time deadline = Deadline(call);
  return WithRetries(policy, deadline, call.cancellation, [&] {
    // Shared with the watch, which may act while this call comes back.
    const auto context = std::make_shared<grpc::ClientContext>();
    context->set_deadline(absl::ToChronoTime(deadline));
    std::unique_ptr<Cancellation::Watch> watch;
    if (call.cancellation != nullptr) {
      watch = call.cancellation->OnCancel([context] { context->TryCancel(); });
    }
    return FromCall(attempt(context.get()));
  });
}

}  // namespace foresight
