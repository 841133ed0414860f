// A robot's plug-in, built against the installed client library.
#include <cstdio>

#include "client/adaptation_client.h"

int ConnectRobot() {
  foresight::AdaptationClient::Options options;
  options.connect_timeout = absl::Milliseconds(10);
  // Port 1 of this machine: nobody listens there.
  const auto client =
      foresight::AdaptationClient::Connect("127.0.0.1:1", options);
  std::printf("%s\n", client.status().ToString().c_str());
  return client.status().code() == absl::StatusCode::kUnavailable ? 0 : 1;
}
