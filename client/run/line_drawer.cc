#include "client/run/line_drawer.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/time/time.h"

namespace foresight {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(200);
constexpr absl::Duration kPrint = absl::Seconds(10);

}  // namespace

LineDrawer::LineDrawer(std::function<std::string()> line, bool quiet)
    : line_(std::move(line)) {
  if (!quiet) thread_ = std::thread([this] { Draw(); });
}

LineDrawer::~LineDrawer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void LineDrawer::Draw() {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const absl::Duration pause = terminal ? kRedraw : kPrint;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) break;
    }
    const std::string line = line_();
    // \r goes back to the line's start; \033[K clears the rest of the old one.
    std::fprintf(stderr, terminal ? "\r%s\033[K" : "%s\n", line.c_str());
    std::fflush(stderr);
  }
  if (terminal) std::fprintf(stderr, "\r\033[K");
}

}  // namespace foresight
