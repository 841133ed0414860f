// What this process writes to stderr, for tests that look at its log.
#pragma once

#include <string>

namespace foresight {

// Captures from its constructor to its destructor, which passes everything on
// to the real stderr. One at a time.
class CapturedStderr {
 public:
  CapturedStderr();
  ~CapturedStderr();
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  // So far.
  std::string Text() const;

 private:
  int file_ = -1;
  int real_stderr_ = -1;
};

}  // namespace foresight
