#include "server/registry/loaded_model.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/support/clock.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int kRuns = 5;
// Decisions that are stepped together to measure the time that one more adds.
constexpr int kJoint = 8;
// A single particle takes as long as this many, since it waits for the weights.
constexpr double kFewestParticles = 2;

double Cost(const AdaptationSettings& settings) {
  return double(settings.horizon) * settings.sampler_steps *
         std::max<double>(settings.particles, kFewestParticles);
}

// Makes `count` decisions with `steps` steps at once.
absl::Status Decide(const LoadedModel& model, int steps, int count) {
  std::vector<std::unique_ptr<PolicyParameters>> parameters;
  std::vector<Problem> problems(count);
  for (Problem& problem : problems) {
    parameters.push_back(model.engine->NewParameters());
    problem.observation = model.bundle->policy_input().mean;
    problem.parameters = parameters.back().get();
    problem.settings = model.bundle->defaults();
    problem.settings.steps = steps;
  }
  model.engine->Adapt(absl::MakeSpan(problems));
  for (const Problem& problem : problems) {
    if (problem.decision_or.ok()) continue;
    return absl::InternalError(
        absl::StrCat("model ", model.name(), ": engine ", model.engine->name(),
                     " fails on the policy's mean observation: ",
                     problem.decision_or.status().message()));
  }
  return absl::OkStatus();
}

// A CPU engine computes on the calling thread; other devices work on their own.
absl::Time TimeFor(const LoadedModel& model) {
  timespec used;
  if (model.engine->device() != "cpu" ||
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) {
    return MonotonicNow();
  }
  return absl::TimeFromTimespec(used);
}

// The median time of some runs of `count` decisions with `steps` steps.
absl::StatusOr<absl::Duration> Measure(const LoadedModel& model, int steps,
                                       int count = 1) {
  std::array<absl::Duration, kRuns> taken;
  for (absl::Duration& run : taken) {
    const absl::Time begin = TimeFor(model);
    RETURN_IF_ERROR(Decide(model, steps, count));
    run = TimeFor(model) - begin;
  }
  std::nth_element(taken.begin(), taken.begin() + kRuns / 2, taken.end());
  return taken[kRuns / 2];
}

}  // namespace

absl::Duration LoadedModel::StepTime(const AdaptationSettings& settings) const {
  return default_step_time * (Cost(settings) / Cost(bundle->defaults()));
}

absl::Duration LoadedModel::FurtherTime(
    const AdaptationSettings& settings) const {
  return default_further_time * (Cost(settings) / Cost(bundle->defaults()));
}

absl::StatusOr<LoadedModel> WarmUp(std::shared_ptr<const Bundle> bundle,
                                   std::shared_ptr<const Engine> engine) {
  static std::atomic<uint64_t> last_id = 0;
  LoadedModel model{std::move(bundle), std::move(engine)};
  model.id = ++last_id;
  RETURN_IF_ERROR(Decide(model, 1, 1));
  ASSIGN_OR_RETURN(model.frozen_time, Measure(model, 0));
  ASSIGN_OR_RETURN(const absl::Duration whole, Measure(model, 1));
  model.default_step_time =
      std::max(whole - model.frozen_time, absl::Microseconds(1));
  const int joint =
      std::min(model.engine->BatchLimit(model.bundle->defaults()), kJoint);
  if (joint > 1) {
    RETURN_IF_ERROR(Decide(model, 1, joint));
    ASSIGN_OR_RETURN(const absl::Duration all, Measure(model, 1, joint));
    model.default_further_time =
        std::max((all - whole) / (joint - 1), absl::ZeroDuration());
  }
  return model;
}

}  // namespace foresight
