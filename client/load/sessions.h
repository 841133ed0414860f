// The sessions of a load, opened and closed several at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/adaptation_client.h"
#include "client/cancellation.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Closes its sessions when it is destroyed and ignores errors.
class LoadSessions {
 public:
  // Opens `count` (>= 1) sessions as in `request`; session i has the request's
  // seed + i. On an error it closes the ones already opened.
  // Errors: OpenSession's, saying how many were opened before; Cancelled.
  static absl::StatusOr<LoadSessions> Open(
      const AdaptationClient& client, const v1::OpenSessionRequest& request,
      int count, Cancellation& cancellation);
  ~LoadSessions();
  LoadSessions(LoadSessions&&) = default;
  LoadSessions& operator=(LoadSessions&&) = delete;

  std::vector<std::string> ids() const;
  // The sessions' common settings, complete as the server confirmed them.
  const v1::AdaptationSettings& settings() const {
    return sessions_.front()->description().settings();
  }

 private:
  using Sessions = std::vector<std::unique_ptr<RemoteSession>>;
  explicit LoadSessions(Sessions sessions) : sessions_(std::move(sessions)) {}

  Sessions sessions_;
};

}  // namespace foresight
