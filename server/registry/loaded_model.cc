#include "server/registry/loaded_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"

namespace foresight {
namespace {

constexpr int kFrozenRuns = 5;

absl::Status Decide(const LoadedModel& model, int steps) {
  const auto parameters = model.engine->NewParameters();
  Problem problem;
  problem.observation = model.bundle->policy_input().mean;
  problem.parameters = parameters.get();
  problem.settings = model.bundle->defaults();
  problem.settings.steps = steps;
  model.engine->Adapt(absl::MakeSpan(&problem, 1));
  if (problem.decision_or.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("model ", model.name(), ": engine ", model.engine->name(),
                   " fails on the policy's mean observation: ",
                   problem.decision_or.status().message()));
}

}  // namespace

absl::StatusOr<LoadedModel> WarmUp(std::shared_ptr<const Bundle> bundle,
                                   std::shared_ptr<const Engine> engine) {
  LoadedModel model{std::move(bundle), std::move(engine),
                    absl::InfiniteDuration()};
  if (auto status = Decide(model, 1); !status.ok()) return status;
  for (int i = 0; i < kFrozenRuns; ++i) {
    const absl::Time begin = absl::Now();
    if (auto status = Decide(model, 0); !status.ok()) return status;
    model.frozen_time = std::min(model.frozen_time, absl::Now() - begin);
  }
  return model;
}

}  // namespace foresight
