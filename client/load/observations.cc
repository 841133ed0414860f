#include "client/load/observations.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/environments/numpy_generator.h"
#include "client/run/tournament.h"

namespace foresight {

Observations::Observations(std::string source, int size,
                           std::vector<float> values)
    : source_(std::move(source)),
      size_(size),
      count_(static_cast<int>(values.size()) / size),
      values_(std::move(values)) {}

absl::Span<const float> Observations::At(int loop, int loops,
                                         int64_t number) const {
  const int64_t offset = static_cast<int64_t>(loop) * count_ / loops;
  const int64_t row = (offset + number) % count_;
  return absl::MakeConstSpan(values_).subspan(row * size_, size_);
}

Observations NormalObservations(int size, int count, uint64_t seed,
                                const std::string& why) {
  NumpyGenerator random(seed);
  std::vector<float> values(static_cast<size_t>(size) * count);
  for (float& value : values) {
    value = static_cast<float>(random.StandardNormal());
  }
  return Observations(
      absl::StrCat(count, " standard normal observations: ", why), size,
      std::move(values));
}

absl::StatusOr<Observations> RecordEpisode(const AdaptationClient& client,
                                           const v1::Model& model,
                                           Environment& environment, int count,
                                           uint64_t seed,
                                           Cancellation& cancellation) {
  SessionOptions options;
  options.model = model.name();
  options.settings.set_steps(0);
  options.seed = seed;
  auto session = client.OpenSession(options);
  if (!session.ok()) return session.status();
  ActOptions act;
  act.call.cancellation = &cancellation;
  std::vector<double> state = environment.Reset(seed);
  std::vector<float> values;
  bool terminated = false;
  for (int step = 0; step < count && !terminated; ++step) {
    const std::vector<float> observation(state.begin(), state.end());
    values.insert(values.end(), observation.begin(), observation.end());
    const auto decision = session->Act(observation, act);
    if (!decision.ok()) return decision.status();
    auto next =
        environment.Step({decision->action().data(),
                          static_cast<size_t>(decision->action_size())});
    if (!next.ok()) return next.status();
    terminated = next->terminated;
    state = std::move(next->observation);
  }
  const int size = environment.spec().observation_size;
  const std::string source =
      absl::StrCat(values.size() / size, " observations of ",
                   environment.spec().name, " with the frozen policy");
  return Observations(source, size, std::move(values));
}

absl::StatusOr<Observations> MakeObservations(const AdaptationClient& client,
                                              const v1::Model& model,
                                              const std::string& assets,
                                              int count, uint64_t seed,
                                              Cancellation& cancellation) {
  std::string why = "no environment has the model's sizes";
  std::vector<std::string> names = EnvironmentNames();
  if (!model.environment().empty()) names = {model.environment()};
  for (const std::string& name : names) {
    const auto environment = MakeEnvironment(name, assets);
    if (!environment.ok()) {
      why = std::string(environment.status().message());
    } else if (CheckFits(model, (*environment)->spec()).ok()) {
      return RecordEpisode(client, model, **environment, count, seed,
                           cancellation);
    }
  }
  return NormalObservations(static_cast<int>(model.observation_size()), count,
                            seed, why);
}

}  // namespace foresight
