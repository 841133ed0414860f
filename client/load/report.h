// Reports the result of a load, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "client/load/host.h"
#include "client/load/latency_histogram.h"
#include "client/load/load.h"
#include "client/load/options.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// The conditions of a run; the same for all probes of a ramp.
struct LoadContext {
  LoadOptions options;
  v1::Model model;
  std::string observations;  // Their source.
  Host host;
};

// The result of one number of sessions in a ramp.
struct Probe {
  int sessions = 0;
  double missed_fraction = 0;
  bool refused = false;  // The server refused a session.
  bool passed = false;
};

struct RampResult {
  std::vector<Probe> probes;  // In the order of their runs.
  // The largest probe that passed; 0 sessions if none did.
  LoadResult largest;
};

// A table, then the latencies as a histogram.
std::string LoadTable(const LoadContext& context, const LoadResult& result);
std::string LoadJson(const LoadContext& context, const LoadResult& result);

std::string ProbeLine(const Probe& probe);  // Without a newline.
std::string RampTable(const LoadContext& context, const RampResult& ramp);
// The fields of LoadJson for the largest probe that passed, if any did; then
// largest_sessions and probes.
std::string RampJson(const LoadContext& context, const RampResult& ramp);

// One line for each doubling of the latency. The bars are logarithmic too, so
// that one late answer in a million is visible.
std::string HistogramText(const LatencyHistogram& latencies);

}  // namespace foresight
