// One run of a load, from opening its sessions to closing them.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/load/latency_histogram.h"
#include "client/load/observations.h"
#include "client/load/options.h"
#include "client/load/recorder.h"
#include "client/load/transport.h"
#include "foresight/adaptation_client.h"
#include "foresight/cancellation.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// The server and the settings of a run. All of them must outlive the run.
struct LoadTarget {
  const LoadOptions& options;  // `sessions` and `ramp` are ignored.
  const AdaptationClient& client;
  const Stubs& stubs;
  const v1::Model& model;
  const Observations& observations;
};

struct LoadResult {
  int sessions = 0;
  v1::AdaptationSettings settings;  // Complete.
  LoadCounts counts;
  // The delays between scheduled and actual sending. The generator causes them,
  // and they are part of the latencies.
  LatencyHistogram send_lags;
  // During the counted time: the cores that this process used, and the share of
  // all cores that the hypervisor took away.
  double generator_cores = 0;
  double steal_fraction = 0;
};

// Runs the load with `sessions` sessions and closes them. After the last tick
// it waits for answers until a second after the last deadline; answers still
// missing then are errors with the reason NO_ANSWER.
// Errors: as LoadSessions::Open; Cancelled.
absl::StatusOr<LoadResult> RunLoad(const LoadTarget& target, int sessions,
                                   Cancellation& cancellation);

}  // namespace foresight
