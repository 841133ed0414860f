// Makes channels to a server, encrypted and with the client's token.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "foresight/security_options.h"

namespace foresight {

// Makes a channel whose calls carry the token, if there is one. If
// `credentials` is not null, it replaces the TLS settings of `security`.
// Errors, each naming the file or option:
//   NotFound:        a file cannot be read.
//   InvalidArgument: a file that another one needs is not given, the token file
//                    holds no token, or the token would be sent to another
//                    machine in plain text.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const std::string& address, const SecurityOptions& security,
    std::shared_ptr<grpc::ChannelCredentials> credentials,
    const grpc::ChannelArguments& arguments);

}  // namespace foresight
