// What the machine can do at best, to judge engines by.
#pragma once

#include <cstddef>
#include <vector>

namespace foresight {

// Multiply-adds of float32 per second times two, in GFLOP/s, of `threads`
// threads together that do nothing else for about `seconds`: independent sums
// in registers of the widest vectors that the CPU has.
double MeasureFmaPeak(int threads, double seconds);

// GB/s at which one thread reads `bytes` over and over: with half a megabyte,
// the rate of the L2 cache, which bounds a single particle's products.
double MeasureReadBandwidth(size_t bytes, double seconds);

double Median(std::vector<double> values);

// Of a steady clock, in seconds.
double Now();

}  // namespace foresight
