// The sessions of a load, opened and closed several at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "foresight/adaptation_client.h"
#include "foresight/cancellation.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Closes its sessions when it is destroyed and ignores errors.
class LoadSessions {
 public:
  // Opens `count` (>= 1) sessions with `options`; session i has the seed
  // options.seed (unset: 0) + i. On an error it closes the ones already opened.
  // Errors: as OpenSession, saying how many were opened before; Cancelled.
  static absl::StatusOr<LoadSessions> Open(const AdaptationClient& client,
                                           const SessionOptions& options,
                                           int count,
                                           Cancellation& cancellation);
  ~LoadSessions();
  LoadSessions(LoadSessions&&) = default;
  LoadSessions& operator=(LoadSessions&&) = delete;

  std::vector<std::string> ids() const;
  // The sessions' common settings, complete as the server confirmed them.
  const v1::AdaptationSettings& settings() const {
    return sessions_.front().description().settings();
  }

 private:
  explicit LoadSessions(std::vector<RemoteSession> sessions)
      : sessions_(std::move(sessions)) {}

  std::vector<RemoteSession> sessions_;
};

}  // namespace foresight
