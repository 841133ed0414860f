// The metrics of the process itself that every Prometheus client library
// exports: CPU time, memory, open files, start time.
#pragma once

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace foresight {

// Thread-safe. Reads /proc at each collection; what it cannot read is left out.
class ProcessMetrics : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace foresight
