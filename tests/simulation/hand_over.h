// Control loops on two servers that share a store, and the invariants that hold
// whatever happens to the servers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/machine.h"

namespace foresight {

struct HandOvers {
  uint64_t seed = 1;
  Machine::Options machine;  // Both machines; `shared` is filled in.
  int loops = 16;
  absl::Duration period = absl::Milliseconds(50);  // Also the budget.
  absl::Duration length = absl::Seconds(20);
  // The fraction of decisions for which a loop changes servers without need.
  double moves = 0.05;
  // The fraction of decisions during which a loop loses its server and asks the
  // other one instead; the first one goes on unaware.
  double partitions = 0.05;
  // The chance of each in a tenth of a second.
  double restarts = 0.01, kills = 0.01;
  // Unless each answer is kept before it is given, the journals are written
  // this often.
  absl::Duration sync_every = absl::Seconds(1);
  // False, to test the invariants: the store takes the writes of all servers.
  bool fence = true;
};

struct HandedOver {
  std::vector<std::string> violations;
  int restarts = 0, kills = 0;
  int64_t partitions = 0;
  int64_t accepted = 0;  // Answers.
  int64_t epochs = 0;    // Changes of a session's epoch that its loop has seen.
  int64_t lost = 0;      // Accepted decisions that had not been kept.
};

HandedOver Simulate(const HandOvers& scenario);

// Random machines and disturbances, drawn with `seed`.
HandOvers RandomHandOvers(uint64_t seed);

}  // namespace foresight
