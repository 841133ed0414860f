#include "server/metrics/process_metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <map>
#include <string>

namespace foresight {
namespace {

std::map<std::string, double> Values() {
  std::map<std::string, double> values;
  for (const auto& family : ProcessMetrics().Collect()) {
    EXPECT_EQ(family.metric.size(), 1u);
    values[family.name] = family.type == prometheus::MetricType::Counter
                              ? family.metric[0].counter.value
                              : family.metric[0].gauge.value;
  }
  return values;
}

TEST(ProcessMetricsTest, TheyAreThoseOfThisProcess) {
  const auto values = Values();
  rusage usage;
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  const double maximum = 1024.0 * static_cast<double>(usage.ru_maxrss);
  EXPECT_GT(values.at("process_resident_memory_bytes"), 100e3);
  // The kernel's own counts lag by some pages per thread.
  EXPECT_LT(values.at("process_resident_memory_bytes"), maximum + 2e6);
  EXPECT_GT(values.at("process_virtual_memory_bytes"),
            values.at("process_resident_memory_bytes"));
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(values.at("process_max_fds"), limit.rlim_cur);
  const double now = static_cast<double>(time(nullptr));
  EXPECT_LE(values.at("process_start_time_seconds"), now + 2);
  EXPECT_GT(values.at("process_start_time_seconds"), now - 3600);
}

TEST(ProcessMetricsTest, AnOpenFileCountsUntilItIsClosed) {
  const double before = Values().at("process_open_fds");
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_EQ(Values().at("process_open_fds"), before + 1);
  close(file);
  EXPECT_EQ(Values().at("process_open_fds"), before);
}

TEST(ProcessMetricsTest, WorkCostsCpuTime) {
  const double before = Values().at("process_cpu_seconds_total");
  volatile double sum = 0;
  while (Values().at("process_cpu_seconds_total") < before + 0.05) {
    for (int i = 0; i < 1000000; ++i) sum = sum + i;
  }
  EXPECT_LT(Values().at("process_cpu_seconds_total"), before + 60);
}

}  // namespace
}  // namespace foresight
