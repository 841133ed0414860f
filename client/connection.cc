#include "client/connection.h"

#include <grpc/support/time.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/channel.h"
#include "client/error_conversion.h"

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
  if (options.initial_reconnect <= absl::ZeroDuration() ||
      options.max_reconnect < options.initial_reconnect) {
    return absl::InvalidArgumentError(absl::StrCat(
        "initial_reconnect is ",
        absl::FormatDuration(options.initial_reconnect),
        " and max_reconnect is ", absl::FormatDuration(options.max_reconnect),
        "; expected 0 < initial_reconnect <= max_reconnect"));
  }
  if (options.retry.max_attempts < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_attempts is ", options.retry.max_attempts, ", expected >= 1"));
  }
  return absl::OkStatus();
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 1 << 30));
}

// gRPC looks at a server's health only under this policy. While the server does
// not serve, calls fail at once.
constexpr char kWatchHealth[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "foresight.v1.Adaptation"}
})";

grpc::ChannelArguments Arguments(const Connection::Options& options) {
  grpc::ChannelArguments arguments;
  // gRPC's defaults are 1 s and 120 s. Despite its name the third value is the
  // minimum time of one attempt; its default is 20 s.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   Milliseconds(options.initial_reconnect));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   Milliseconds(options.max_reconnect));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   Milliseconds(options.max_reconnect));
  return arguments;
}

// `deadline` on gRPC's monotonic clock.
gpr_timespec GrpcDeadline(SteadyTime deadline) {
  if (deadline == SteadyTime::max()) {
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  }
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(absl::ToInt64Nanoseconds(
                                              Between(SteadyNow(), deadline)),
                                          GPR_TIMESPAN));
}

}  // namespace

void SetDeadline(SteadyTime deadline, grpc::ClientContext* context) {
  context->set_deadline(GrpcDeadline(deadline));
}

void NameSession(const std::string& session_id, grpc::ClientContext* context) {
  const bool printable =
      std::all_of(session_id.begin(), session_id.end(),
                  [](char c) { return absl::ascii_isprint(c); });
  if (!session_id.empty() && printable) {
    context->AddMetadata("x-session-id", session_id);
  }
}

absl::StatusOr<std::shared_ptr<const Connection>> Connection::Open(
    const std::string& address, const Options& options) {
  if (absl::Status status = Check(address, options); !status.ok()) {
    return status;
  }
  const auto channel = MakeChannel(address, options.security,
                                   options.credentials, Arguments(options));
  if (!channel.ok()) return channel.status();
  if (!(*channel)->WaitForConnected(
          GrpcDeadline(After(SteadyNow(), options.connect_timeout)))) {
    return absl::UnavailableError(
        absl::StrCat("no server answered at ", address, " within ",
                     absl::FormatDuration(options.connect_timeout),
                     "; is foresight-server running there, and does one of the "
                     "two expect TLS or a certificate of the other?"));
  }
  return std::shared_ptr<const Connection>(
      new Connection(address, options, *channel));
}

absl::StatusOr<std::shared_ptr<const Connection>> Connection::OpenReplica(
    const ReplicaAddress& address, const Options& options) {
  if (absl::Status status = Check(address.target, options); !status.ok()) {
    return status;
  }
  grpc::ChannelArguments arguments = Arguments(options);
  arguments.SetServiceConfigJSON(kWatchHealth);
  if (!address.server_name.empty()) {
    arguments.SetSslTargetNameOverride(address.server_name);
  }
  const auto channel = MakeChannel(address.target, options.security,
                                   options.credentials, arguments);
  if (!channel.ok()) return channel.status();
  (*channel)->GetState(/*try_to_connect=*/true);
  return std::shared_ptr<const Connection>(
      new Connection(address.target, options, *channel));
}

bool Connection::failing() const {
  return channel_->GetState(/*try_to_connect=*/true) ==
         GRPC_CHANNEL_TRANSIENT_FAILURE;
}

bool Connection::ready() const {
  return channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

SteadyTime Connection::Deadline(const CallOptions& call) const {
  return After(SteadyNow(), call.timeout.value_or(options_.call_timeout));
}

absl::Status Connection::Run(
    const CallOptions& call, Repeat repeat,
    absl::FunctionRef<grpc::Status(grpc::ClientContext*)> attempt) const {
  RetryPolicy policy = options_.retry;
  if (repeat == Repeat::kHarmful) policy.max_attempts = 1;
  const SteadyTime deadline = Deadline(call);
  return WithRetries(policy, deadline, call.cancellation, [&] {
    // Shared with the watch, which may act while this call returns.
    const auto context = std::make_shared<grpc::ClientContext>();
    SetDeadline(deadline, context.get());
    std::unique_ptr<Cancellation::Watch> watch;
    if (call.cancellation != nullptr) {
      watch = call.cancellation->OnCancel([context] { context->TryCancel(); });
    }
    return FromCall(attempt(context.get()));
  });
}

}  // namespace foresight
