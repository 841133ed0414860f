#include "models/training/fit.h"

#include <iterator>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "models/data/transitions.h"
#include "models/networks/policy.h"
#include "models/training/assembly.h"
#include "models/training/data_source.h"
#include "models/training/device.h"
#include "models/training/dynamics_trainer.h"
#include "models/training/evaluation.h"
#include "models/training/part_run.h"
#include "models/training/policy_distance.h"
#include "models/training/rebrac.h"
#include "models/training/reward.h"
#include "models/training/taken_parts.h"
#include "models/training/tilt.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

absl::StatusOr<std::unique_ptr<Trainer>> MakeDynamicsTrainer(
    const Recipe& recipe, const DataSource& source,
    const std::filesystem::path& work, const TakenParts& taken,
    at::TensorOptions options) {
  const auto& [dataset, split, sha256, description] = source;
  const Transitions training = DynamicsTransitions(dataset, split.training);
  at::Tensor weights;
  if (recipe.dynamics.tilt > 0) {
    PolicyNetwork policy;
    if (taken.Has("policy")) {
      policy = PolicyNetwork::FromBundle(*taken.bundle, options);
    } else {
      ASSIGN_OR_RETURN(policy, FinishedPolicy(recipe, sha256, work, options));
    }
    weights =
        TiltedWeights(SquaredPolicyDistances(policy, training, recipe, options),
                      recipe.dynamics.tilt);
  }
  return std::make_unique<DynamicsTrainer>(
      recipe.dynamics, dataset.observation_size, dataset.action_size, training,
      weights, HeldOutRollouts(source, options), options);
}

absl::StatusOr<std::unique_ptr<Trainer>> MakeTrainer(
    const std::string& part, const Recipe& recipe, const DataSource& source,
    const std::filesystem::path& work, const TakenParts& taken,
    at::TensorOptions options) {
  const auto& [dataset, split, sha256, description] = source;
  const int S = dataset.observation_size, A = dataset.action_size;
  std::unique_ptr<Trainer> trainer;
  if (part == "policy") {
    trainer = std::make_unique<RebracTrainer>(
        recipe.policy, S, A, CriticTransitions(dataset, split.training),
        CriticTransitions(dataset, split.held_out), options);
  } else if (part == "dynamics") {
    return MakeDynamicsTrainer(recipe, source, work, taken, options);
  } else if (part == "reward") {
    trainer = std::make_unique<RewardTrainer>(
        recipe.reward, S, A, RewardTransitions(dataset, split.training),
        RewardTransitions(dataset, split.held_out), options);
  } else {
    return absl::InvalidArgumentError(absl::StrCat(
        "part is \"", part, "\", expected policy, dynamics or reward"));
  }
  return trainer;
}

absl::Status TrainPart(const std::string& part, const Recipe& recipe,
                       const DataSource& source, const FitOptions& options,
                       const TakenParts& taken, at::TensorOptions tensors) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Trainer> trainer,
      MakeTrainer(part, recipe, source, options.work, taken, tensors));
  PartRun run;
  run.part = part;
  run.folder = options.work;
  run.steps = ScheduleOf(recipe, part).steps;
  run.evaluations = recipe.evaluations;
  run.fingerprint =
      Fingerprint(recipe, part, source.sha256, taken.PolicySha256());
  run.stop = options.stop;
  run.out = options.out;
  run.columns = options.columns;
  return RunPart(run, *trainer);
}

// Requires that all three parts are taken or have finished.
absl::Status SaveBundle(const Recipe& recipe, const DataSource& source,
                        const FitOptions& options, const TakenParts& taken,
                        at::TensorOptions tensors) {
  ASSIGN_OR_RETURN(const Bundle bundle,
                   AssembleBundle(recipe, source, options.work, taken,
                                  options.trainer, absl::Now()));
  ASSIGN_OR_RETURN(const ErrorTable table,
                   MeasureBundle(bundle, source, tensors));
  ASSIGN_OR_RETURN(const Bundle measured, Annotate(bundle, Summarise(table)));
  RETURN_IF_ERROR(measured.Save(options.bundle));
  *options.out << FormatTable(table) << "bundle: " << options.bundle.string()
               << std::endl;
  return absl::OkStatus();
}

}  // namespace

absl::Status Fit(const Recipe& recipe, const FitOptions& options) {
  ASSIGN_OR_RETURN(const at::TensorOptions tensors, TensorsOn(options.device));
  ASSIGN_OR_RETURN(const DataSource source,
                   ReadDataSource(recipe, options.data));
  ASSIGN_OR_RETURN(const TakenParts taken,
                   TakeParts(options.from, recipe, options.parts));
  std::error_code error;
  std::filesystem::create_directories(options.work, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        options.work.string(), ": cannot be made: ", error.message()));
  }
  for (const std::string& part : options.parts) {
    RETURN_IF_ERROR(TrainPart(part, recipe, source, options, taken, tensors));
  }
  const absl::Status saved =
      SaveBundle(recipe, source, options, taken, tensors);
  // A missing bundle is not an error if parts were left out on purpose.
  const bool partial = options.parts.size() < std::size(kParts);
  if (partial &&
      (absl::IsNotFound(saved) || absl::IsFailedPrecondition(saved))) {
    *options.out << "no bundle yet: " << saved.message() << std::endl;
    return absl::OkStatus();
  }
  return saved;
}

}  // namespace foresight
