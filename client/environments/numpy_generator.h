// NumPy's default random numbers, bit for bit, so that a seed means the same
// start state here as in Python.
#pragma once

#include <cstdint>

#include "absl/numeric/int128.h"

namespace foresight {

// numpy.random.Generator(PCG64(SeedSequence(seed))), as gymnasium seeds its
// environments: SeedSequence is O'Neill's seed_seq, PCG64 is her PCG XSL RR
// 128/64 (pcg-random.org).
//
// Not thread-safe.
class NumpyGenerator {
 public:
  explicit NumpyGenerator(uint64_t seed);

  uint64_t NextUint64();

  // Generator.random(): a multiple of 2^-53 in [0, 1).
  double Uniform();
  // Generator.uniform(low, high).
  double Uniform(double low, double high);

  // Generator.standard_normal(): Marsaglia and Tsang's ziggurat of 256 layers
  // (doi.org/10.18637/jss.v005.i08) on 52 random bits.
  double StandardNormal();

 private:
  absl::uint128 state_;
  absl::uint128 increment_;  // Odd; picks one of 2^127 streams.
};

}  // namespace foresight
