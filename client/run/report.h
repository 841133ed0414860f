// How a comparison is shown.
#pragma once

#include <string>

#include "client/run/comparison.h"

namespace foresight {

// For people: a table.
std::string ToTable(const Comparison& comparison);

// A header, then a line per seed. Empty where a variant was not played.
std::string ToCsv(const Comparison& comparison);

// {environment, model, settings, episodes: [{seed, frozen_return,
// adapted_return, frozen_steps, adapted_steps, steps_done_mean}], frozen_mean,
// adapted_mean, difference, interval, latency_ms: {p50, p99}}; null where a
// variant was not played. Latency and steps done are the adapted episodes',
// where there are any.
std::string ToJson(const Comparison& comparison);

}  // namespace foresight
