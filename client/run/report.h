// Formats a comparison.
#pragma once

#include <string>

#include "client/run/comparison.h"

namespace foresight {

// A table for people.
std::string ToTable(const Comparison& comparison);

// A header, then a line per seed. Fields of a variant that was not played are
// empty.
std::string ToCsv(const Comparison& comparison);

// {environment, model, settings, episodes: [{seed, frozen_return,
// adapted_return, frozen_steps, adapted_steps, steps_done_mean}], frozen_mean,
// adapted_mean, difference, interval, latency_ms: {p50, p99}}; fields of a
// variant that was not played are null. Latency and steps done are from the
// adapted episodes if they were played, else from the frozen ones.
std::string ToJson(const Comparison& comparison);

}  // namespace foresight
