// Sessions on the fake engine, without a server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "server/adaptation/engine.h"
#include "server/registry/loaded_model.h"
#include "server/sessions/session_state.h"
#include "tests/support/fake_engine.h"

namespace foresight {

// S = 3, A = 2; one step a decision, unless told otherwise.
class SessionMaker {
 public:
  SessionMaker() {
    RandomBundleOptions options;
    options.observation_size = 3;
    model_ = std::make_shared<const LoadedModel>(LoadedModel{
        std::make_shared<const Bundle>(RandomBundle(options)), engine_});
  }

  SessionState NewSession(const std::string& id, int steps = 1) {
    SessionState session;
    session.id = id;
    session.incarnation = 5;
    session.model = model_;
    session.observation_size = 3;
    session.settings.steps = steps;
    session.settings.sampler_steps = RandomBundleOptions().sampler_steps;
    session.idle_timeout = absl::Seconds(60);
    session.seed = 7;
    session.parameters = engine_->NewParameters();
    return session;
  }

  // Decides as a server does, on an observation whose components are all
  // `value`. Returns the answer, which the session remembers.
  v1::ActResponse Decide(SessionState& session, float value) {
    v1::ActResponse answer = Make(session, value);
    session.last_observation.assign(session.observation_size, value);
    session.last_answer = std::make_shared<v1::ActResponse>(answer);
    ++session.next_decision;
    return answer;
  }

  // Decides in the same way, but changes nothing except psi.
  v1::ActResponse Make(SessionState& session, float value) {
    const std::vector<float> observation(session.observation_size, value);
    Problem problem;
    problem.observation = observation;
    problem.parameters = session.parameters.get();
    problem.seed = session.seed;
    problem.decision = session.next_decision;
    problem.settings = session.settings;
    engine_->Adapt({&problem, 1});
    v1::ActResponse answer;
    answer.set_session_id(session.id);
    answer.set_decision_index(session.next_decision);
    answer.set_epoch(session.epoch);
    const auto& action = problem.decision_or->action;
    answer.mutable_action()->Add(action.begin(), action.end());
    answer.mutable_report()->set_steps_done(session.settings.steps);
    return answer;
  }

  const std::shared_ptr<FakeEngine>& engine() { return engine_; }
  const std::shared_ptr<const LoadedModel>& model() { return model_; }

 private:
  const std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>(2);
  std::shared_ptr<const LoadedModel> model_;
};

}  // namespace foresight
