// Traffic for a Machine, and what must hold whatever the traffic is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/machine.h"

namespace foresight {

// Control loops that are alike: each asks once per period, with its period as
// budget unless told otherwise.
struct Fleet {
  std::string owner = "fleet";
  int loops = 1;
  int steps = 1;
  int cost = 1;  // A step's, relative to the machine's.
  absl::Duration period = absl::Milliseconds(50);
  absl::Duration budget;  // Zero: the period.
  double jitter = 0.05;   // In periods.
  bool synchronised = false;
  bool stateless = false;  // The scheduler cannot tell its loops apart.
  // The part of decisions that are cancelled, sent twice or not finite, or
  // whose session is closed and opened again.
  double trouble = 0;
  bool credit = false;      // Asks for steps only if its credit covers them.
  bool must_adapt = false;  // Asks for less than its fair share.
  // When its loops ask, and when each of their answers has all steps, since
  // the beginning.
  absl::Duration until = absl::InfiniteDuration();
  absl::Duration full_from = absl::InfiniteDuration();
};

// Stateless decisions: `size` at once, at random times. Without a budget they
// have no deadline either.
struct Bursts {
  std::string owner = "bursts";
  double per_second = 1;
  int size = 1;
  absl::Duration budget;
  // At most this many are not answered yet.
  int most_in_flight = 1000;
};

struct Scenario {
  uint64_t seed = 1;
  Machine::Options machine;
  std::vector<Fleet> fleets;
  std::vector<Bursts> bursts;
  absl::Duration length = absl::Seconds(25);
  int64_t least_events = 0;  // Goes on until there were that many.
  // Steps take this many times as long between `slow_from` and `slow_until`,
  // since the beginning.
  double slowness = 1;
  absl::Duration slow_from, slow_until;
  bool overloaded = false;  // More is asked for than the lanes can do.
};

struct Outcomes {
  // The invariants that did not hold, in words.
  std::vector<std::string> violations;
  int64_t events = 0;
  double adapted = 0;  // Whole steps, as a part of the lanes' time.
  double dropped = 0;  // Cut steps, as a part of all steps' time.
  // For the first fleet:
  double least_share = 0, greatest_share = 0;  // Relative to the mean.
  double adapted_answers = 0;                  // As a part of its answers.
  absl::Duration median, p99;                  // Latency of its answers.
};

// What a fleet asks for, as a part of what the machine's lanes can do.
double Demand(const Fleet& fleet, const Machine::Options& machine);

Outcomes Simulate(const Scenario& scenario);

// Drawn with `seed`: any machine with any mixture of traffic.
Scenario RandomScenario(uint64_t seed);

}  // namespace foresight
