// The machine's best rates, by which engines are judged.
#pragma once

#include <cstddef>
#include <vector>

namespace foresight {

// The GFLOP/s of float32 multiply-adds (two operations each) that `threads`
// threads reach together, measured for about `seconds`. They compute
// independent sums in registers of the CPU's widest vectors.
double MeasureFmaPeak(int threads, double seconds);

// GB/s at which one thread reads `bytes` repeatedly. For half a megabyte that
// is the rate of the L2 cache, which limits a single particle's products.
double MeasureReadBandwidth(size_t bytes, double seconds);

double Median(std::vector<double> values);

// The time of a steady clock in seconds.
double Now();

}  // namespace foresight
