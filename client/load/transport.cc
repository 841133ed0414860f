#include "client/load/transport.h"

#include <grpcpp/support/channel_arguments.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/channel.h"
#include "foresight/call_error.h"

namespace foresight {

absl::StatusOr<Stubs> OpenStubs(const std::string& address, int connections,
                                absl::Duration timeout,
                                const SecurityOptions& security) {
  const absl::Time deadline = absl::Now() + timeout;
  grpc::ChannelArguments arguments;
  // Otherwise channels to one address would share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  Stubs stubs;
  for (int i = 0; i < connections; ++i) {
    const auto channel = MakeChannel(address, security, nullptr, arguments);
    if (!channel.ok()) return channel.status();
    if (!(*channel)->WaitForConnected(absl::ToChronoTime(deadline))) {
      return absl::UnavailableError(absl::StrCat("connection ", i + 1, " of ",
                                                 connections, " to ", address,
                                                 " failed"));
    }
    stubs.push_back(v1::Adaptation::NewStub(*channel));
  }
  return stubs;
}

void SetObservation(absl::Span<const float> observation,
                    v1::ActRequest* request) {
  request->mutable_observation()->Resize(static_cast<int>(observation.size()),
                                         0);
  std::copy(observation.begin(), observation.end(),
            request->mutable_observation()->begin());
}

std::string ReasonOf(const absl::Status& status) {
  const std::string reason = ErrorReasonName(status);
  return reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
}

}  // namespace foresight
