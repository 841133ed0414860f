// A bearer token kept in a file.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "foresight/steady_time.h"

namespace foresight {

// Reads the file again after it is replaced, so that a running client's token
// can be rotated. No message quotes the token.
//
// Thread-safe.
class TokenFile {
 public:
  // Errors, naming the file:
  //   NotFound:        it cannot be read.
  //   InvalidArgument: it does not hold one token: printable ASCII, at most
  //                    4096 characters, no spaces.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Open(
      const std::string& path);

  // Returns the token. Looks at the file at most once a second; if the file no
  // longer holds a token, the last one stays.
  std::string Get() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit TokenFile(const std::string& path) : path_(path) {}

  // Whether the file has changed since the last call.
  bool Changed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  absl::Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  SteadyTime looked_ ABSL_GUARDED_BY(mutex_);
  struct stat seen_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace foresight
