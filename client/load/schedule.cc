#include "client/load/schedule.h"

#include <algorithm>

namespace foresight {
namespace {

// Steele, Lea and Flood's SplitMix64 (doi.org/10.1145/2660193.2660195).
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// A number in [0, 1) that depends only on the arguments.
double Uniform(uint64_t seed, int loop, int64_t number) {
  const uint64_t hash = Mix(Mix(Mix(seed) + static_cast<uint64_t>(loop)) +
                            static_cast<uint64_t>(number));
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

bool Later(const Tick& a, const Tick& b) {
  return a.at != b.at ? a.at > b.at : a.loop > b.loop;
}

}  // namespace

Schedule::Schedule(const Options& options) : options_(options) {
  ticks_.reserve(options.loops);
  for (int loop = 0; loop < options.loops; ++loop) {
    ticks_.push_back({TimeOf(loop, 0), loop, 0});
  }
  std::make_heap(ticks_.begin(), ticks_.end(), Later);
}

absl::Duration Schedule::TimeOf(int loop, int64_t number) const {
  const double phase = Uniform(options_.seed, loop, -1);
  const double shift =
      phase + options_.jitter * Uniform(options_.seed, loop, number);
  return number * options_.period + shift * options_.period;
}

Tick Schedule::Take() {
  std::pop_heap(ticks_.begin(), ticks_.end(), Later);
  const Tick tick = ticks_.back();
  ticks_.back().number = tick.number + 1;
  ticks_.back().at = TimeOf(tick.loop, tick.number + 1);
  std::push_heap(ticks_.begin(), ticks_.end(), Later);
  return tick;
}

}  // namespace foresight
