#include "server/support/random.h"

#include <sys/random.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace foresight {
namespace {

// Once the system has booted, getrandom always returns all bytes asked for if
// they are at most 256. If it fails, there is no safe way to continue.
template <typename T>
T Draw() {
  T value;
  if (getrandom(&value, sizeof(value), 0) != sizeof(value)) std::abort();
  return value;
}

}  // namespace

uint64_t RandomSeed() { return Draw<uint64_t>(); }

std::string RandomId() {
  struct Bits {
    char bytes[16];
  };
  const Bits bits = Draw<Bits>();
  return absl::BytesToHexString(
      absl::string_view(bits.bytes, sizeof(bits.bytes)));
}

}  // namespace foresight
