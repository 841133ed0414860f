#include "client/run/tournament.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "client/run/episode.h"
#include "client/run/progress.h"

namespace foresight {
namespace {

// The episodes to play and their results. Thread-safe.
class Schedule {
 public:
  explicit Schedule(const RunOptions& options) : pairs_(options.episodes) {
    for (int i = 0; i < options.episodes; ++i) {
      pairs_[i].seed = options.seed + i;
      if (options.play_frozen) waiting_.push_back({pairs_[i].seed, false});
      if (options.play_adapted) waiting_.push_back({pairs_[i].seed, true});
    }
    episodes_ = static_cast<int>(waiting_.size());
  }

  int episodes() const { return episodes_; }

  // The next episode; none if all are taken or one has failed.
  std::optional<EpisodePlan> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (taken_ == episodes_ || !failure_.ok()) return std::nullopt;
    return waiting_[taken_++];
  }

  void Finish(const EpisodePlan& plan, EpisodeResult result)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    EpisodePair& pair = pairs_[plan.seed - pairs_[0].seed];
    (plan.adapt ? pair.adapted : pair.frozen) = std::move(result);
  }

  // Only the first failure is reported: later ones may follow from it.
  void Fail(const absl::Status& failure) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (failure_.ok()) failure_ = failure;
  }

  absl::StatusOr<std::vector<EpisodePair>> Results()
      ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!failure_.ok()) return failure_;
    return pairs_;
  }

 private:
  std::vector<EpisodePlan> waiting_;
  int episodes_ = 0;
  absl::Mutex mutex_;
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<EpisodePair> pairs_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

// Runs a worker, which plays one episode after another.
void PlayFrom(Schedule& schedule, const AdaptationClient& client,
              const std::string& model, Environment& environment,
              const RunOptions& options, SharedStream* stream,
              Cancellation& cancellation, RunProgress& progress) {
  while (const std::optional<EpisodePlan> plan = schedule.Take()) {
    auto result =
        PlayEpisode(client, model, environment, *plan, options, stream,
                    cancellation, [&] { progress.AddStep(); });
    if (!result.ok()) {
      schedule.Fail(result.status());
      cancellation.Cancel();  // Ends the calls of the other workers.
      return;
    }
    progress.FinishEpisode(result->steps);
    schedule.Finish(*plan, *std::move(result));
  }
}

int WorkerCount(const RunOptions& options, int episodes) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const int wanted =
      options.parallel > 0 ? options.parallel : std::clamp(cores, 1, 8);
  return std::min(wanted, episodes);
}

std::string Names(const std::vector<v1::Model>& models) {
  return absl::StrJoin(models, ", ", [](std::string* out, const v1::Model& m) {
    absl::StrAppend(out, m.name());
  });
}

}  // namespace

absl::StatusOr<v1::Model> ChooseModel(const AdaptationClient& client,
                                      const std::string& name,
                                      const CallOptions& call) {
  const auto models = client.ListModels(call);
  if (!models.ok()) return models.status();
  if (name.empty() && models->size() == 1) return models->front();
  for (const v1::Model& model : *models) {
    if (model.name() == name) return model;
  }
  if (name.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "the server has ", models->size(), " models: choose one with --model (",
        Names(*models), ")"));
  }
  return absl::NotFoundError(absl::StrCat("the server has no model \"", name,
                                          "\"; it has: ", Names(*models)));
}

absl::StatusOr<std::string> ChooseEnvironment(const v1::Model& model,
                                              const RunOptions& options) {
  if (!options.environment.empty()) return options.environment;
  if (!model.environment().empty()) return model.environment();
  return absl::FailedPreconditionError(
      absl::StrCat("model \"", model.name(),
                   "\" does not say which environment it is for: choose one "
                   "with --environment (",
                   absl::StrJoin(EnvironmentNames(), ", "), ")"));
}

absl::Status CheckFits(const v1::Model& model,
                       const EnvironmentSpec& environment) {
  if (static_cast<int>(model.observation_size()) ==
          environment.observation_size &&
      static_cast<int>(model.action_size()) == environment.action_size) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "model \"", model.name(), "\" is for another environment: it takes ",
      model.observation_size(), " observations and gives ", model.action_size(),
      " actions, ", environment.name, " has ", environment.observation_size,
      " and ", environment.action_size,
      " (choose with --model and --environment)"));
}

absl::StatusOr<Comparison> Play(const AdaptationClient& client,
                                const RunOptions& options,
                                Cancellation& cancellation) {
  const auto model =
      ChooseModel(client, options.model, {options.deadline, &cancellation});
  if (!model.ok()) return model.status();
  const auto name = ChooseEnvironment(*model, options);
  if (!name.ok()) return name.status();
  Schedule schedule(options);
  std::vector<std::unique_ptr<Environment>> environments;
  for (int i = WorkerCount(options, schedule.episodes()); i > 0; --i) {
    auto environment = MakeEnvironment(*name, options.assets);
    if (!environment.ok()) return environment.status();
    environments.push_back(*std::move(environment));
  }
  const EnvironmentSpec spec = environments.front()->spec();
  if (absl::Status fits = CheckFits(*model, spec); !fits.ok()) return fits;

  {
    SharedStream stream(client);
    RunProgress progress(schedule.episodes(),
                         std::min(options.max_steps, spec.step_limit),
                         options.quiet);
    std::vector<std::thread> workers;
    for (const auto& environment : environments) {
      workers.emplace_back([&] {
        PlayFrom(schedule, client, model->name(), *environment, options,
                 options.stream ? &stream : nullptr, cancellation, progress);
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  auto results = schedule.Results();
  if (!results.ok()) return results.status();
  return Compare(spec, *model, *std::move(results));
}

}  // namespace foresight
