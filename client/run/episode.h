// One episode, played through a server.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "client/environments/environment.h"
#include "client/run/options.h"
#include "client/run/shared_stream.h"
#include "foresight/adaptation_client.h"
#include "proto/adaptation.pb.h"

namespace foresight {

struct EpisodePlan {
  uint64_t seed = 0;   // For the start state and the imagined noise.
  bool adapt = false;  // False: the frozen policy, zero steps.
};

// The effect of one decision of an episode, for the report (report_page.h).
struct DecisionTrace {
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  double reward = 0;            // From the environment step with `action`.
  double objective_before = 0;  // J at the first step; 0 if none was done.
  std::optional<double> objective_after;  // Unset if the server did not say.
  double action_change = 0;  // Largest component, against the frozen policy.
  double drift = 0;          // |psi - psi_0|_2
  std::vector<float> observation;  // [S], what the decision saw.
  std::vector<float> action;       // [A], what it answered.
};

struct EpisodeResult {
  double episode_return = 0;   // Undiscounted.
  int steps = 0;               // Environment steps.
  bool terminated = false;     // It ended before any limit, such as by a fall.
  double steps_done_mean = 0;  // Gradient steps per decision.
  std::vector<double> latencies_ms;     // [steps], the time the client waited.
  std::map<v1::Outcome, int> outcomes;  // The number of decisions with each.
  std::vector<DecisionTrace> trace;     // [steps]; empty without --report.
  // [steps + 1] of [nq], the bodies' positions; empty without --video.
  std::vector<std::vector<double>> positions;
  std::vector<double> rewards;  // [steps]; empty without --video.
  // How often a decision's budget ran out before the server could begin, so
  // that it was requested again.
  int late = 0;
  v1::AdaptationSettings settings;  // Complete, as the server used them.
};

// Opens a session, plays until the environment ends the episode or max_steps
// are played, and closes the session. Calls `on_step` after each step. `stream`
// carries the decisions; null: separate calls.
// Errors: the server's, with the step and the episode in the message;
// Cancelled if `cancellation` was cancelled.
absl::StatusOr<EpisodeResult> PlayEpisode(
    const AdaptationClient& client, const std::string& model,
    Environment& environment, const EpisodePlan& plan,
    const RunOptions& options, SharedStream* stream, Cancellation& cancellation,
    absl::FunctionRef<void()> on_step);

}  // namespace foresight
