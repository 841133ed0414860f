// All episodes of a run, several at once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/adaptation_client.h"
#include "client/run/comparison.h"
#include "client/run/options.h"

namespace foresight {

// The model to play with: the one of this name, or the only one served.
// Errors: NotFound: there is none such; the message lists those served.
absl::StatusOr<v1::Model> ChooseModel(const AdaptationClient& client,
                                      const std::string& name,
                                      const CallOptions& call = {});

// The environment to play in: `options`', or else the model's own.
// Errors: FailedPrecondition: neither says one.
absl::StatusOr<std::string> ChooseEnvironment(const v1::Model& model,
                                              const RunOptions& options);

// Errors: FailedPrecondition: the model is made for another environment.
absl::Status CheckFits(const v1::Model& model,
                       const EnvironmentSpec& environment);

// Plays every seed, frozen and adapted as the options say, and draws the
// progress. The first failure ends the others; all sessions are closed when
// this returns.
// Errors: MakeEnvironment's, ChooseModel's, ChooseEnvironment's, CheckFits',
//         PlayEpisode's; Cancelled when `cancellation` is.
absl::StatusOr<Comparison> Play(const AdaptationClient& client,
                                const RunOptions& options,
                                Cancellation& cancellation);

}  // namespace foresight
