// Options of an AdaptationClient.
#pragma once

#include <memory>

#include "absl/time/time.h"
#include "foresight/retry_policy.h"
#include "foresight/security_options.h"

namespace grpc {
class ChannelCredentials;
}  // namespace grpc

namespace foresight {

struct ClientOptions {
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration call_timeout = absl::Seconds(10);
  RetryPolicy retry;
  // The channel's wait before it reconnects grows, with jitter, from the first
  // to the second of these. They are short, as control loops are waiting.
  absl::Duration initial_reconnect = absl::Milliseconds(50);
  absl::Duration max_reconnect = absl::Seconds(1);  // At least 100 ms.
  SecurityOptions security;
  // If not null, replaces the TLS settings of `security`.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
};

}  // namespace foresight
