// Traffic for a Machine, and the invariants that hold for any traffic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/machine.h"

namespace foresight {

// Equal control loops: each asks once per period, by default with its period as
// budget.
struct Fleet {
  std::string owner = "fleet";
  int loops = 1;
  int steps = 1;
  int cost = 1;  // A step's cost, as a multiple of the machine's.
  absl::Duration period = absl::Milliseconds(50);
  absl::Duration budget;  // Zero: the period.
  double jitter = 0.05;   // In periods.
  bool synchronised = false;
  bool stateless = false;  // The scheduler cannot tell its loops apart.
  bool apart = false;      // Each loop is an owner of its own.
  // The fraction of decisions that are cancelled, sent twice or not finite, or
  // whose session is closed and reopened.
  double trouble = 0;
  bool credit = false;      // Asks for steps only if its credit covers them.
  bool must_adapt = false;  // Asks for less than its fair share.
  // Before these fractions of decisions an idle session is reset (`resets`), or
  // exported, closed and imported (`moves`).
  double resets = 0, moves = 0;
  // Times since the beginning: loops ask until `until`; from `full_from` on,
  // all their answers must have all steps.
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
  // At most this many decisions are unanswered at a time.
  int most_in_flight = 1000;
};

// Disturbances of the server by an operator and by accidents: the chance of
// each in a tenth of a second.
struct Disturbances {
  double restarts = 0, kills = 0, reloads = 0;
  // The journal is written this often.
  absl::Duration sync_every = absl::Seconds(1);
  // For a test of the invariants: the journal claims to be written but is not.
  bool forgets = false;

  bool any() const { return restarts > 0 || kills > 0 || reloads > 0; }
};

struct Scenario {
  uint64_t seed = 1;
  Machine::Options machine;
  std::vector<Fleet> fleets;
  std::vector<Bursts> bursts;
  absl::Duration length = absl::Seconds(25);
  int64_t least_events = 0;  // Runs until there were this many.
  // Steps take this many times as long between `slow_from` and `slow_until`,
  // both counted from the beginning.
  double slowness = 1;
  absl::Duration slow_from, slow_until;
  bool overloaded = false;  // The demand exceeds the lanes' capacity.
  Disturbances disturbances;
};

struct Outcomes {
  // Descriptions of the violated invariants.
  std::vector<std::string> violations;
  int64_t events = 0;
  int restarts = 0, kills = 0, reloads = 0, moves = 0;
  int64_t lost = 0;    // Decisions, by kills.
  double adapted = 0;  // Whole steps, as a fraction of the lanes' time.
  double dropped = 0;  // Cut steps, as a fraction of all steps' time.
  // For the first fleet:
  double least_share = 0, greatest_share = 0;  // Relative to the mean.
  double adapted_answers = 0;                  // As a fraction of its answers.
  absl::Duration median, p99;                  // Latency of its answers.
};

// A fleet's demand as a fraction of the capacity of the machine's lanes.
double Demand(const Fleet& fleet, const Machine::Options& machine);

Outcomes Simulate(const Scenario& scenario);

// A random machine with a random mixture of traffic, drawn with `seed`.
Scenario RandomScenario(uint64_t seed);

// The same, but the server is restarted, killed and reloaded, and sessions are
// reset and moved.
Scenario DisturbedScenario(uint64_t seed);

}  // namespace foresight
