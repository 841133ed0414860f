// A server for tests of programs that use this library. Link
// foresight::fake_server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "foresight/proto/adaptation.pb.h"

namespace foresight {

class FakeAdaptationServer;

// Serves one model in this process. Sessions, decision numbers, repeated
// decisions, plans and streams are as adaptation.proto says. Instead of
// adapting, it calls a function. It fails, stalls and loses answers on command.
//
// Thread-safe.
class FakeServer {
 public:
  // Returns the action [A] for `observation` [S]. It must not call the server.
  using Policy =
      std::function<std::vector<float>(absl::Span<const float> observation)>;

  struct Options {
    std::string model = "fake";
    uint32_t observation_size = 1;  // S
    uint32_t action_size = 1;       // A
    Policy policy;  // Null: a_i = o_i / 10, or zero if there is no o_i.
  };

  // Serves at a port of the system's choice, until it is destroyed.
  // Errors: Unavailable: it cannot listen.
  static absl::StatusOr<FakeServer> Start(const Options& options);
  ~FakeServer();
  FakeServer(FakeServer&&) noexcept;
  FakeServer& operator=(FakeServer&&) noexcept;

  const std::string& address() const;  // "127.0.0.1:N"

  // The next `times` calls, or requests on a stream, do nothing and are
  // answered with `error`, which must not be OK, and `reason`.
  void FailNext(int times, const absl::Status& error,
                v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED);
  // The next `times` decisions are made, but their calls end with Unavailable.
  void LoseNextAnswers(int times);
  // Decisions wait until Release is called.
  void Stall();
  void Release();
  // Ends all calls and forgets all sessions, like a server that dies.
  void Stop();
  // Serves again at the same address. Errors: Unavailable: it cannot listen.
  absl::Status Restart();

  int open_sessions() const;
  int opened_sessions() const;  // Since the start.
  // The last request for a decision; empty before the first.
  v1::ActRequest last_request() const;

 private:
  explicit FakeServer(std::unique_ptr<FakeAdaptationServer> server);

  std::unique_ptr<FakeAdaptationServer> server_;  // Null once moved from.
};

}  // namespace foresight
