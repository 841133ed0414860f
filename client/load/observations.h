// The observations that a load's sessions send.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/environments/environment.h"
#include "foresight/adaptation_client.h"
#include "foresight/cancellation.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Immutable once it is made.
class Observations {
 public:
  // `values` [count, size], count >= 1.
  Observations(std::string source, int size, std::vector<float> values);

  const std::string& source() const { return source_; }  // For people.
  int count() const { return count_; }

  // The observation [S] of session `loop` (of `loops`) at its tick `number`.
  // Every session replays all observations from its own offset.
  absl::Span<const float> At(int loop, int loops, int64_t number) const;

 private:
  std::string source_;
  int size_;
  int count_;
  std::vector<float> values_;
};

// `count` standard normal observations [S]; their source() ends with `why`.
Observations NormalObservations(int size, int count, uint64_t seed,
                                const std::string& why);

// Plays `environment` for up to `count` steps with the frozen policy of
// `model`, in a separate session.
// Errors: the server's; Cancelled.
absl::StatusOr<Observations> RecordEpisode(const AdaptationClient& client,
                                           const v1::Model& model,
                                           Environment& environment, int count,
                                           uint64_t seed,
                                           Cancellation& cancellation);

// Uses RecordEpisode in the model's environment or, if the model names none, in
// the first environment of its sizes; if none fits, NormalObservations.
// source() says which. `assets` is as for MakeEnvironment.
absl::StatusOr<Observations> MakeObservations(const AdaptationClient& client,
                                              const v1::Model& model,
                                              const std::string& assets,
                                              int count, uint64_t seed,
                                              Cancellation& cancellation);

}  // namespace foresight
