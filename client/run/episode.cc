#include "client/run/episode.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/error_conversion.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

// Adds the episode and the step to an error's message.
absl::Status At(const absl::Status& status, const EpisodePlan& plan, int step) {
  const std::string reason = ErrorReasonName(status);
  return WithMessage(
      status,
      absl::StrCat(status.message(), reason.empty() ? "" : " [", reason,
                   reason.empty() ? "" : "]", " (",
                   plan.adapt ? "adapted" : "frozen", " episode of seed ",
                   plan.seed, ", step ", step, ")"));
}

DecisionTrace Trace(const v1::ActResponse& decision,
                    const std::vector<float>& observation, double reward) {
  const v1::AdaptationReport& report = decision.report();
  DecisionTrace trace;
  trace.observation = observation;
  trace.action.assign(decision.action().begin(), decision.action().end());
  trace.outcome = report.outcome();
  trace.reward = reward;
  trace.objective_before = report.objective_before();
  if (report.has_objective_after()) {
    trace.objective_after = report.objective_after();
  }
  trace.action_change = report.action_change();
  trace.drift = report.drift();
  return trace;
}

SessionOptions OptionsOf(const std::string& model, const EpisodePlan& plan,
                         const RunOptions& options) {
  SessionOptions session;
  session.model = model;
  session.settings = options.settings;
  if (!plan.adapt) session.settings.set_steps(0);
  session.seed = plan.seed;
  return session;
}

// The wait between the end of a stream and the first attempt with another one.
constexpr absl::Duration kReopenAfter = absl::Milliseconds(100);

// The physics waits for the action. So, until the deadline, a decision is
// requested again if its budget ran out before it began, or if its stream broke
// (then from this or another replica).
absl::StatusOr<v1::ActResponse> Decide(RemoteSession& session,
                                       const std::vector<float>& observation,
                                       ActOptions act, SharedStream* streams,
                                       int* late) {
  const absl::Time deadline = absl::Now() + *act.call.timeout;
  while (true) {
    std::shared_ptr<ControlStream> stream;
    if (streams != nullptr) stream = streams->Current(session.Place());
    act.stream = stream.get();
    auto decision = session.Act(observation, act);
    const bool was_late =
        ErrorReason(decision.status()) == v1::DEADLINE_EXCEEDED;
    const bool broke = !decision.ok() && stream != nullptr &&
                       (stream->broken() || session.leaving()) &&
                       !act.call.cancellation->cancelled();
    if (!was_late && !broke) return decision;
    if (broke) absl::SleepFor(kReopenAfter);
    act.call.timeout = deadline - absl::Now();
    if (*act.call.timeout <= absl::ZeroDuration()) return decision;
    if (was_late) ++*late;
  }
}

}  // namespace

absl::StatusOr<EpisodeResult> PlayEpisode(
    const AdaptationClient& client, const std::string& model,
    Environment& environment, const EpisodePlan& plan,
    const RunOptions& options, SharedStream* stream, Cancellation& cancellation,
    absl::FunctionRef<void()> on_step) {
  ActOptions act;
  act.call = {options.deadline, &cancellation};
  // On a stream the server does not see the call's timeout.
  act.budget = stream == nullptr || options.budget.has_value()
                   ? options.budget
                   : options.deadline;
  const bool traced = !options.report.empty();
  // The video shows the first pair.
  const bool filmed = !options.video.empty() && plan.seed == options.seed;
  act.report_objective_after = traced && plan.adapt;
  if (cancellation.cancelled()) return absl::CancelledError("interrupted");
  // `cancellation` is not passed: a cancelled call could leave a session open.
  auto session =
      client.OpenSession(OptionsOf(model, plan, options), {options.deadline});
  if (!session.ok()) return At(session.status(), plan, 0);

  EpisodeResult result;
  result.settings = session->description().settings();
  std::vector<double> state = environment.Reset(plan.seed);
  if (filmed) result.positions.push_back(environment.Position());
  const int limit = std::min(options.max_steps, environment.spec().step_limit);
  double steps_done = 0;
  while (!result.terminated && result.steps < limit) {
    const std::vector<float> observation(state.begin(), state.end());
    const absl::Time start = absl::Now();
    const auto decision =
        Decide(*session, observation, act, stream, &result.late);
    if (!decision.ok()) return At(decision.status(), plan, result.steps);
    result.latencies_ms.push_back(
        absl::ToDoubleMilliseconds(absl::Now() - start));
    steps_done += decision->report().steps_done();
    ++result.outcomes[decision->report().outcome()];

    auto next =
        environment.Step({decision->action().data(),
                          static_cast<size_t>(decision->action_size())});
    if (!next.ok()) return At(next.status(), plan, result.steps);
    if (traced) {
      result.trace.push_back(Trace(*decision, observation, next->reward));
    }
    if (filmed) {
      result.positions.push_back(environment.Position());
      result.rewards.push_back(next->reward);
    }
    result.episode_return += next->reward;
    result.terminated = next->terminated;
    state = std::move(next->observation);
    ++result.steps;
    on_step();
  }
  result.steps_done_mean = steps_done / std::max(result.steps, 1);
  return result;
}

}  // namespace foresight
