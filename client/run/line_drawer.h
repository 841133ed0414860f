// Shows a program's progress in a line on standard error.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace foresight {

// Redraws the line a few times a second on a terminal, and prints it now and
// then to anything else. Clears it when destroyed.
class LineDrawer {
 public:
  // `line` is called on the drawer's thread; if `quiet`, never.
  LineDrawer(std::function<std::string()> line, bool quiet);
  ~LineDrawer();
  LineDrawer(const LineDrawer&) = delete;
  LineDrawer& operator=(const LineDrawer&) = delete;

 private:
  void Draw() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<std::string()> line_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace foresight
