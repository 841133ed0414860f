// The fixture for tests of every engine. Instantiate them with AllEngines().
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "models/bundle/bundle.h"
#include "models/bundle/random_bundle.h"
#include "server/adaptation/autograd/autograd_engine.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/fused/fused_engine.h"
#include "server/adaptation/working_policies.h"
#include "tests/support/engine_session.h"
#include "tests/support/forward_oracle.h"

namespace foresight {

struct EngineUnderTest {
  std::string name;
  std::function<std::unique_ptr<Engine>(std::shared_ptr<const Bundle>, Clock)>
      make;
};

inline void PrintTo(const EngineUnderTest& engine, std::ostream* out) {
  *out << engine.name;
}

inline EngineUnderTest AutogradOn(std::string name, std::string device) {
  return {std::move(name),
          [device](std::shared_ptr<const Bundle> bundle, Clock clock) {
            AutogradEngine::Options options;
            options.device = device;
            options.clock = std::move(clock);
            return AutogradEngine::Create(*bundle, options).value();
          }};
}

inline EngineUnderTest Fused() {
  return {"Fused", [](std::shared_ptr<const Bundle> bundle, Clock clock) {
            FusedEngine::Options options;
            options.clock = std::move(clock);
            return FusedEngine::Create(std::move(bundle), options).value();
          }};
}

// The engines that this machine and this build have.
inline std::vector<EngineUnderTest> AllEngines() {
  std::vector<EngineUnderTest> engines = {AutogradOn("Autograd", "cpu"),
                                          Fused()};
  AutogradEngine::Options cuda;
  cuda.device = "cuda:0";
  if (AutogradEngine::Create(RandomBundle(), cuda).ok()) {
    engines.push_back(AutogradOn("AutogradCuda", "cuda:0"));
  }
  return engines;
}

inline std::string NameOf(
    const ::testing::TestParamInfo<EngineUnderTest>& engine) {
  return engine.param.name;
}

// A session of each engine.
class EngineTest : public ::testing::TestWithParam<EngineUnderTest>,
                   protected EngineSession {
 protected:
  using EngineSession::Run;  // Not testing::Test's.

  // The engine reads `clock` when it runs.
  explicit EngineTest(const RandomBundleOptions& options = Weights(),
                      Clock clock = MonotonicNow)
      : EngineTest(std::make_shared<const Bundle>(RandomBundle(options)),
                   std::move(clock)) {}

  // Some decisions on it look better with one bank of noise and worse with the
  // other.
  static RandomBundleOptions Weights() {
    RandomBundleOptions options;
    options.seed = 3;
    return options;
  }

  // Sets psi back to psi_0.
  void Restart() { ASSERT_TRUE(psi_->Import(psi_0_).ok()); }

  OracleResult Oracle(const Problem& problem, const std::vector<float>& psi,
                      NoiseBank bank = NoiseBank::kAdaptation) const {
    OracleCase c;
    c.psi.assign(psi.begin(), psi.end());
    c.state.assign(observation_.begin(), observation_.end());
    c.horizon = problem.settings.horizon;
    c.particles = problem.settings.particles;
    c.discount = problem.settings.discount;
    c.sampler_steps = problem.settings.sampler_steps;
    c.noise = {problem.seed, problem.decision, bank,
               problem.settings.noise_scale};
    return ForwardOracle(*bundle_, c);
  }

  // psi + step g
  static std::vector<float> Ascended(std::vector<float> psi, double step,
                                     const OracleResult& oracle) {
    for (size_t i = 0; i < psi.size(); ++i) {
      psi[i] += step * oracle.gradient[i];
    }
    return psi;
  }

  std::vector<float> PolicyOf(const std::vector<float>& psi) const {
    const std::vector<double> action = PlainPolicy(
        *bundle_, std::vector<double>(psi.begin(), psi.end()),
        std::vector<double>(observation_.begin(), observation_.end()));
    return {action.begin(), action.end()};
  }

 private:
  EngineTest(const std::shared_ptr<const Bundle>& bundle, Clock clock)
      : EngineSession(bundle, GetParam().make(bundle, std::move(clock))) {}
};

}  // namespace foresight
