#include "tests/simulation/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace foresight {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kSeeds = 10;

// FORESIGHT_SIMULATION_SEEDS runs that many instead.
int Seeds() {
  const char* text = std::getenv("FORESIGHT_SIMULATION_SEEDS");
  int seeds = 0;
  return text != nullptr && absl::SimpleAtoi(text, &seeds) ? seeds : kSeeds;
}

TEST(SimulationTest, WhatMustHoldHoldsForAnyTraffic) {
  for (int seed = 1; seed <= Seeds(); ++seed) {
    SCOPED_TRACE(seed);
    const Outcomes outcomes = Simulate(RandomScenario(seed));
    std::printf(
        "seed %d: %lld events, adapted %.3f, dropped %.4f, "
        "shares %.2f to %.2f\n",
        seed, static_cast<long long>(outcomes.events), outcomes.adapted,
        outcomes.dropped, outcomes.least_share, outcomes.greatest_share);
    EXPECT_THAT(outcomes.violations, IsEmpty());
  }
}

// Loops that ask for `load` times what two lanes can do.
Scenario Overload(double load) {
  Scenario scenario;
  scenario.machine.queue.lanes = 2;
  Fleet fleet;
  fleet.loops = static_cast<int>(load * 25);
  scenario.fleets = {fleet};
  scenario.overloaded = load > 1.5;
  return scenario;
}

TEST(SimulationTest, UnderOverloadTheLanesAreFullAndSharesEqual) {
  EXPECT_THAT(Simulate(Overload(3)).violations, IsEmpty());
}

TEST(SimulationTest, StepsThatCannotEndInTimeAreNoticed) {
  Scenario scenario = Overload(3);
  scenario.machine.queue.patience = 1;
  scenario.machine.prior = scenario.machine.told = 0.01;
  EXPECT_THAT(Simulate(scenario).violations,
              Contains(HasSubstr("of the steps' time was cut")));
}

TEST(SimulationTest, ServingInTheOrderOfArrivalIsNoticed) {
  Scenario scenario = Overload(3);
  Fleet& fleet = scenario.fleets.front();
  fleet.jitter = 0;
  EXPECT_THAT(Simulate(scenario).violations, IsEmpty());
  fleet.stateless = true;
  EXPECT_THAT(Simulate(scenario).violations,
              Contains(HasSubstr("the loops of fleet got")));
}

TEST(SimulationTest, LongTurnsThatAreNotInterruptedAreNoticed) {
  Scenario scenario;
  scenario.machine.queue.lanes = 1;
  Fleet light;
  light.owner = "light";
  light.loops = 2;
  light.must_adapt = true;
  Fleet heavy;
  heavy.owner = "heavy";
  heavy.loops = 3;
  heavy.steps = 60;
  heavy.period = absl::Milliseconds(900);
  scenario.fleets = {light, heavy};
  EXPECT_THAT(Simulate(scenario).violations, IsEmpty());
  scenario.machine.queue.interrupts = false;
  EXPECT_THAT(Simulate(scenario).violations,
              Contains(HasSubstr("which asks for less than its fair share")));
}

// Prints how other policies compare: run by hand, with
//   --gtest_also_run_disabled_tests --gtest_filter='*ComparePolicies'
TEST(SimulationTest, DISABLED_ComparePolicies) {
  std::printf(
      "| loops | policy | capacity adapted | answers adapted | p50 | "
      "p99 | shares |\n|---|---|---|---|---|---|---|\n");
  for (const int loops : {16, 24, 64, 128}) {
    for (const char* policy : {"present", "patience 1", "credit"}) {
      Scenario scenario = Overload(1);
      scenario.length = absl::Seconds(60);
      Fleet& fleet = scenario.fleets.front();
      fleet.loops = loops;
      if (policy[0] == 'p' && policy[1] == 'a') {
        scenario.machine.queue.patience = 1;
      }
      fleet.credit = policy[0] == 'c';
      const Outcomes outcomes = Simulate(scenario);
      std::printf(
          "| %d | %s | %.3f | %.3f | %.1f ms | %.1f ms | %.2f to %.2f |\n",
          loops, policy, outcomes.adapted, outcomes.adapted_answers,
          absl::ToDoubleMilliseconds(outcomes.median),
          absl::ToDoubleMilliseconds(outcomes.p99), outcomes.least_share,
          outcomes.greatest_share);
    }
  }
}

}  // namespace
}  // namespace foresight
