// usage: numpy_generator_trace SEED COUNT
// Prints COUNT raw draws, COUNT of uniform(-0.1, 0.1) and COUNT standard
// normals, all of one generator, one a line, exactly.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "client/environments/numpy_generator.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  foresight::NumpyGenerator generator(std::strtoull(argv[1], nullptr, 10));
  const int count = std::atoi(argv[2]);
  for (int i = 0; i < count; ++i) {
    std::printf("%" PRIu64 "\n", generator.NextUint64());
  }
  for (int i = 0; i < count; ++i) {
    std::printf("%a\n", generator.Uniform(-0.1, 0.1));
  }
  for (int i = 0; i < count; ++i) {
    std::printf("%a\n", generator.StandardNormal());
  }
}
