#include "server/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "prometheus/metric_type.h"

namespace foresight {
namespace {

using prometheus::MetricType;

// The start of this process in seconds since boot, and its CPU time; from
// /proc/self/stat, see proc(5).
struct ProcessTimes {
  double cpu_seconds;
  double start_after_boot;
  double virtual_bytes;
  double resident_bytes;
};

std::string Read(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<ProcessTimes> ReadTimes() {
  const std::string text = Read("/proc/self/stat");
  // The program's name, in parentheses, may hold spaces.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(name_end + 1), ' ', absl::SkipEmpty());
  // fields[0] is field 3 in proc(5).
  const auto number = [&fields](size_t field) {
    double value = 0;
    if (field - 3 < fields.size()) {
      (void)absl::SimpleAtod(fields[field - 3], &value);
    }
    return value;
  };
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return ProcessTimes{(number(14) + number(15)) / ticks, number(22) / ticks,
                      number(23), number(24) * page};
}

// The time of boot in seconds since 1970.
std::optional<double> ReadBootTime() {
  const std::string text = Read("/proc/stat");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    double seconds;
    if (absl::ConsumePrefix(&line, "btime ") &&
        absl::SimpleAtod(line, &seconds)) {
      return seconds;
    }
  }
  return std::nullopt;
}

std::optional<double> CountOpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator files("/proc/self/fd", error);
  double count = 0;
  for (; !error && files != std::filesystem::directory_iterator();
       files.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return count - 1;  // One is the listing itself.
}

prometheus::MetricFamily Family(const char* name, const char* help,
                                MetricType type, double value) {
  prometheus::ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return {name, help, type, {metric}};
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  if (const auto times = ReadTimes()) {
    families.push_back(Family("process_cpu_seconds_total",
                              "CPU time of the process, user and system.",
                              MetricType::Counter, times->cpu_seconds));
    families.push_back(Family("process_virtual_memory_bytes",
                              "Virtual memory of the process.",
                              MetricType::Gauge, times->virtual_bytes));
    families.push_back(Family("process_resident_memory_bytes",
                              "Resident memory of the process.",
                              MetricType::Gauge, times->resident_bytes));
    if (const auto boot = ReadBootTime()) {
      families.push_back(Family("process_start_time_seconds",
                                "Start of the process, in seconds since 1970.",
                                MetricType::Gauge,
                                *boot + times->start_after_boot));
    }
  }
  if (const auto files = CountOpenFiles()) {
    families.push_back(Family("process_open_fds",
                              "Files and sockets that the process has open.",
                              MetricType::Gauge, *files));
  }
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(
        Family("process_max_fds", "Files and sockets that it may have open.",
               MetricType::Gauge, static_cast<double>(limit.rlim_cur)));
  }
  return families;
}

}  // namespace foresight
