#include "tests/support/captured_stderr.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>

namespace foresight {

CapturedStderr::CapturedStderr() {
  std::string name = testing::TempDir() + "/stderrXXXXXX";
  file_ = mkstemp(name.data());
  EXPECT_GE(file_, 0) << name;
  unlink(name.c_str());
  std::fflush(stderr);
  real_stderr_ = dup(STDERR_FILENO);
  dup2(file_, STDERR_FILENO);
}

CapturedStderr::~CapturedStderr() {
  std::fflush(stderr);
  dup2(real_stderr_, STDERR_FILENO);
  std::fputs(Text().c_str(), stderr);
  close(real_stderr_);
  close(file_);
}

std::string CapturedStderr::Text() const {
  std::string text;
  char buffer[4096];
  ssize_t got;
  while ((got = pread(file_, buffer, sizeof(buffer),
                      static_cast<off_t>(text.size()))) > 0) {
    text.append(buffer, got);
  }
  return text;
}

}  // namespace foresight
