// One session of an engine on a small random bundle, the common part of
// fixtures for tests of engines.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"
#include "tests/support/outcome_names.h"

namespace foresight {

// float32 through some hundred operations on values of order 1.
inline constexpr float kFloat32 = 2e-5f;

class EngineSession {
 protected:
  // `bundle` has S = 3.
  EngineSession(std::shared_ptr<const Bundle> bundle,
                std::unique_ptr<Engine> engine)
      : bundle_(std::move(bundle)),
        engine_(std::move(engine)),
        psi_(engine_->NewParameters()),
        psi_0_(psi_->Export()) {}
  ~EngineSession() = default;

  // A problem of three steps without guards.
  Problem MakeProblem() const {
    Problem problem;
    problem.observation = observation_;
    problem.parameters = psi_.get();
    problem.seed = 42;
    problem.decision = 3;
    problem.settings = bundle_->defaults();
    problem.settings.horizon = 4;
    problem.settings.particles = 5;
    problem.settings.steps = 3;
    problem.settings.step_size = 0.01f;
    problem.settings.max_gradient_norm = 0;
    return problem;
  }

  static const Report& Run(const Engine& engine, Problem& problem) {
    engine.Adapt(absl::MakeSpan(&problem, 1));
    EXPECT_TRUE(problem.decision_or.ok()) << problem.decision_or.status();
    return problem.decision_or->report;
  }
  const Report& Run(Problem& problem) { return Run(*engine_, problem); }

  const std::vector<float> observation_ = {0.3f, -1, 0.5f};
  const std::shared_ptr<const Bundle> bundle_;
  const std::unique_ptr<Engine> engine_;
  const std::unique_ptr<PolicyParameters> psi_;
  const std::vector<float> psi_0_;
};

}  // namespace foresight
