#include "server/decisions/replay.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/adaptation/engine.h"
#include "server/registry/loaded_model.h"

namespace foresight {
namespace {

// Makes a decision again; returns whether its action is the recorded one.
absl::StatusOr<bool> Remake(const v1::SavedDecision& decision,
                            SessionState& session) {
  const v1::ActResponse& answer = decision.answer();
  if (answer.report().steps_done() == 0) return true;  // psi is unchanged.
  Problem problem;
  problem.observation = decision.observation();
  problem.parameters = session.parameters.get();
  problem.seed = session.seed;
  problem.decision = session.next_decision;
  problem.settings = session.settings;
  problem.settings.steps = answer.report().steps_done();
  session.model->engine->Adapt({&problem, 1});
  if (!problem.decision_or.ok()) {
    return absl::DataLossError(problem.decision_or.status().message());
  }
  const std::vector<float>& action = problem.decision_or->action;
  return std::equal(action.begin(), action.end(), answer.action().begin(),
                    answer.action().end());
}

}  // namespace

absl::StatusOr<Replayed> Replay(absl::Span<const v1::SavedDecision> decisions,
                                SessionState& session) {
  Replayed replayed;
  for (const v1::SavedDecision& decision : decisions) {
    const v1::ActResponse& answer = decision.answer();
    if (answer.decision_index() != session.next_decision) {
      return absl::DataLossError(
          absl::StrCat("decision ", answer.decision_index(),
                       " follows, expected ", session.next_decision));
    }
    if (decision.observation_size() !=
        static_cast<int>(session.observation_size)) {
      return absl::DataLossError(
          absl::StrCat("an observation has ", decision.observation_size(),
                       " values, expected ", session.observation_size));
    }
    const auto same = Remake(decision, session);
    if (!same.ok()) return same.status();
    replayed.different += *same ? 0 : 1;
    ++replayed.decisions;
    ++session.next_decision;
    session.resumed_from = session.next_decision;
    session.last_observation.assign(decision.observation().begin(),
                                    decision.observation().end());
    auto remembered = std::make_shared<v1::ActResponse>(answer);
    remembered->set_epoch(session.epoch);
    session.last_answer = std::move(remembered);
  }
  return replayed;
}

}  // namespace foresight
