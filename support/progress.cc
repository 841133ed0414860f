#include "support/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"

namespace foresight {
namespace {

constexpr int kBarWidth = 20;

// "1:02:03" or "2:03"
std::string Clock(double seconds) {
  const int64_t total = std::llround(seconds);
  const int64_t hours = total / 3600, minutes = total / 60 % 60;
  if (hours > 0) {
    return absl::StrFormat("%d:%02d:%02d", hours, minutes, total % 60);
  }
  return absl::StrFormat("%d:%02d", minutes, total % 60);
}

}  // namespace

std::string ProgressText(const std::string& label, int64_t done, int64_t total,
                         int64_t before, absl::Duration elapsed) {
  const double part = static_cast<double>(done) / total;
  const double seconds = absl::ToDoubleSeconds(elapsed);
  const double rate = seconds > 0 ? (done - before) / seconds : 0;
  const int filled =
      std::clamp(static_cast<int>(part * kBarWidth), 0, kBarWidth);
  std::string text = absl::StrFormat(
      "%s [%s%s] %d/%d %3.0f%% %.1f/s", label, std::string(filled, '#'),
      std::string(kBarWidth - filled, '.'), done, total, 100 * part, rate);
  if (rate > 0) {
    text += absl::StrFormat(" %s left", Clock((total - done) / rate));
  }
  return text;
}

Progress::Progress(Options options, std::ostream& out, absl::Time now)
    : options_(std::move(options)), out_(out), start_(now), next_(now) {}

std::string Progress::Line(int64_t done, const std::string& note,
                           absl::Time now) const {
  std::string line = ProgressText(options_.label, done, options_.total,
                                  options_.done, now - start_);
  if (!note.empty()) line += "  " + note;
  return line;
}

void Progress::Print(std::string line, bool last) {
  if (options_.columns == 0) {
    out_ << line << std::endl;
    return;
  }
  // The last column stays free: some terminals wrap when it is written.
  if (line.size() >= static_cast<size_t>(options_.columns)) {
    line.resize(options_.columns - 1);
  }
  // Spaces wipe out the rest of a longer line.
  const size_t width = std::max(printed_, line.size());
  out_ << '\r' << line << std::string(width - line.size(), ' ')
       << (last ? "\n" : "") << std::flush;
  printed_ = line.size();
}

void Progress::Update(int64_t done, const std::string& note, absl::Time now) {
  if (now < next_) return;
  next_ = now + options_.every;
  Print(Line(done, note, now), /*last=*/false);
}

void Progress::Finish(int64_t done, const std::string& note, absl::Time now) {
  Print(Line(done, note, now), /*last=*/true);
}

}  // namespace foresight
