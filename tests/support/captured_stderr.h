// Captures this process's stderr, for tests of its log.
#pragma once

#include <string>

namespace foresight {

// Captures from its construction to its destruction, then passes everything on
// to the real stderr. Only one may exist at a time.
class CapturedStderr {
 public:
  CapturedStderr();
  ~CapturedStderr();
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  // The text so far.
  std::string Text() const;

 private:
  int file_ = -1;
  int real_stderr_ = -1;
};

}  // namespace foresight
