// One control loop against a server, as shown in client/README.md. usage:
// one_episode [ADDRESS [CA TOKEN]] (files: the server's CA, a token)
#include <cstdio>
#include <vector>

#include "client/environments/environment.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace {

absl::StatusOr<double> PlayEpisode(const char* address,
                                   const foresight::SecurityOptions& security) {
  foresight::AdaptationClient::Options connection;
  connection.security = security;
  auto client = foresight::AdaptationClient::Connect(address, connection);
  if (!client.ok()) return client.status();

  foresight::SessionOptions wanted;            // For the only model served.
  wanted.settings.set_horizon(3);              // The rest are its defaults.
  wanted.seed = 7;                             // Same seed, same actions.
  auto session = client->OpenSession(wanted);  // Closed by its destructor.
  if (!session.ok()) return session.status();

  auto environment = foresight::MakeEnvironment("HalfCheetah-v4");
  if (!environment.ok()) return environment.status();
  std::vector<double> state = (*environment)->Reset(/*seed=*/1000);

  foresight::ActOptions options;
  options.call.timeout = absl::Seconds(2);  // After that, an error.
  options.budget = absl::Milliseconds(50);  // The server's time to adapt.
  double episode_return = 0;
  for (int step = 0; step < 20; ++step) {
    auto decision = session->Act(state, options);
    if (!decision.ok()) return decision.status();
    const std::vector<float> action(decision->action().begin(),
                                    decision->action().end());
    auto next = (*environment)->Step(action);
    if (!next.ok()) return next.status();
    episode_return += next->reward;
    state = next->observation;
  }
  return episode_return;
}

}  // namespace

int main(int argc, char** argv) {
  foresight::SecurityOptions security;  // Plain text, unless told otherwise.
  if (argc > 3) {
    security.tls_ca = argv[2];
    security.token_file = argv[3];
  }
  const auto result =
      PlayEpisode(argc > 1 ? argv[1] : "127.0.0.1:50051", security);
  if (!result.ok()) {
    std::fprintf(stderr, "%s %s\n", result.status().ToString().c_str(),
                 foresight::ErrorReasonName(result.status()).c_str());
    return 1;
  }
  std::printf("return after 20 steps: %.6f\n", *result);
}
