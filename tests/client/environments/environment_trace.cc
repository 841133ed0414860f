// usage: environment_trace ENVIRONMENT
// Reads from standard input `seed N`, or `state P V` and P numbers of position
// and V of velocity, then actions. Writes the first observation, then the
// observation, reward and end (1 or 0) of each step, exactly.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "client/environments/environment.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

void Print(const std::vector<double>& values) {
  for (const double value : values) std::printf("%a ", value);
}

std::vector<double> Read(size_t count) {
  std::vector<double> values(count);
  for (double& value : values) std::cin >> value;
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto environment = foresight::MakeEnvironment(argv[1]);
  if (!environment.ok()) return Fail(environment.status());

  std::string start;
  std::cin >> start;
  if (start == "seed") {
    uint64_t seed = 0;
    std::cin >> seed;
    Print((*environment)->Reset(seed));
  } else {
    size_t position_size = 0, velocity_size = 0;
    std::cin >> position_size >> velocity_size;
    const std::vector<double> position = Read(position_size);
    auto first = (*environment)->SetState(position, Read(velocity_size));
    if (!first.ok()) return Fail(first.status());
    Print(*first);
  }
  std::printf("\n");

  while (true) {
    const std::vector<double> values = Read((*environment)->spec().action_size);
    if (!std::cin) return 0;
    const std::vector<float> action(values.begin(), values.end());
    auto next = (*environment)->Step(action);
    if (!next.ok()) return Fail(next.status());
    Print(next->observation);
    std::printf("%a %d\n", next->reward, next->terminated);
  }
}
