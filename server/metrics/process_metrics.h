// The metrics that every Prometheus client library exports about its process:
// CPU time, memory, open files, start time.
#pragma once

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace foresight {

// Thread-safe. Reads /proc at each collection and leaves out values that it
// cannot read.
class ProcessMetrics : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace foresight
