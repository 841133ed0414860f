#include "client/load/host.h"

#include <sys/resource.h>

#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace foresight {
namespace {

std::string Contents(const char* file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

absl::Duration FromTimeval(const timeval& time) {
  return absl::Seconds(time.tv_sec) + absl::Microseconds(time.tv_usec);
}

}  // namespace

Host DescribeHost() {
  return {CpuModel(Contents("/proc/cpuinfo")),
          static_cast<int>(std::thread::hardware_concurrency())};
}

std::string CpuModel(absl::string_view cpuinfo) {
  for (const absl::string_view line : absl::StrSplit(cpuinfo, '\n')) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(field.first) == "model name") {
      return std::string(absl::StripAsciiWhitespace(field.second));
    }
  }
  return "unknown";
}

CpuTimes ParseCpuTimes(absl::string_view stat) {
  // cpu  user nice system idle iowait irq softirq steal guest guest_nice;
  // user and nice already include the guests' times.
  constexpr size_t kSteal = 7;
  CpuTimes times;
  if (!absl::ConsumePrefix(&stat, "cpu ")) return times;
  const absl::string_view line = stat.substr(0, stat.find('\n'));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  for (size_t i = 0; i < fields.size() && i <= kSteal; ++i) {
    int64_t ticks = 0;
    if (!absl::SimpleAtoi(fields[i], &ticks)) return {};
    times.total += ticks;
    if (i == kSteal) times.steal = ticks;
  }
  return times;
}

CpuTimes ReadCpuTimes() { return ParseCpuTimes(Contents("/proc/stat")); }

double StealFraction(const CpuTimes& before, const CpuTimes& after) {
  const int64_t total = after.total - before.total;
  if (total <= 0) return 0;
  return static_cast<double>(after.steal - before.steal) /
         static_cast<double>(total);
}

absl::Duration ProcessCpuTime() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return FromTimeval(usage.ru_utime) + FromTimeval(usage.ru_stime);
}

}  // namespace foresight
