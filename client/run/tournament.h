// Plays all episodes of a run, several at once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/run/comparison.h"
#include "client/run/options.h"
#include "foresight/adaptation_client.h"

namespace foresight {

// The model of this name, or the only one served. Errors: NotFound: there is no
// such model; the message lists those served.
absl::StatusOr<v1::Model> ChooseModel(const AdaptationClient& client,
                                      const std::string& name,
                                      const CallOptions& call = {});

// The environment of `options`, or else the model's own. Errors:
// FailedPrecondition: neither names one.
absl::StatusOr<std::string> ChooseEnvironment(const v1::Model& model,
                                              const RunOptions& options);

// Errors: FailedPrecondition: the model is made for another environment.
absl::Status CheckFits(const v1::Model& model,
                       const EnvironmentSpec& environment);

// Plays every seed, frozen and adapted as the options say, and shows the
// progress. The first failure ends the other episodes. All sessions are closed
// when it returns.
// Errors: MakeEnvironment's, ChooseModel's, ChooseEnvironment's, CheckFits',
//         PlayEpisode's; Cancelled if `cancellation` is.
absl::StatusOr<Comparison> Play(const AdaptationClient& client,
                                const RunOptions& options,
                                Cancellation& cancellation);

}  // namespace foresight
