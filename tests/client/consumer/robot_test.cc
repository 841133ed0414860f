// The robot's own test, on the fake server that comes with the library.
#include "robot.h"

#include <cstdio>

#include "foresight/call_error.h"
#include "foresight/fake_server.h"

namespace {

int failures = 0;

void Expect(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) ++failures;
}

}  // namespace

int main() {
  foresight::FakeServer::Options options;
  options.observation_size = 2;
  options.policy = [](absl::Span<const float> observation) {
    return std::vector<float>{observation[0] / 2};
  };
  auto server = foresight::FakeServer::Start(options);
  if (!server.ok()) return 1;

  const auto stats = Drive(server->address(), 5);
  Expect(stats.ok() && stats->in_time == 5, "five steps are answered");
  Expect(server->last_request().observation(0) == 0.5f / 16,
         "each step applies its action");
  Expect(server->open_sessions() == 0, "the loop closes its session");

  const auto action = DriveAsync(server->address(), 3);
  Expect(action.ok() && *action == 0.25f, "decisions arrive by callback");
  Expect(server->last_request().decision_index() == 2, "three of them");

  server->FailNext(1, absl::ResourceExhaustedError("full"),
                   foresight::v1::SESSIONS_FULL);
  Expect(foresight::ErrorReason(Drive(server->address(), 1).status()) ==
             foresight::v1::SESSIONS_FULL,
         "a refusal has its reason");
  return failures == 0 ? 0 : 1;
}
