// Fuzzes a snapshot: any bytes are accepted or refused, and an accepted
// snapshot is the same after it is sealed and read back.
#include <cstdint>
#include <cstdlib>

#include "server/durability/snapshot.h"

namespace foresight {
namespace {

void TrySnapshot(absl::string_view bytes) {
  const auto session = DecodeSnapshot(bytes);
  if (!session.ok()) return;
  const auto again = DecodeSnapshot(EncodeSnapshot(*session));
  if (!again.ok() ||
      again->SerializeAsString() != session->SerializeAsString()) {
    std::abort();
  }
}

}  // namespace
}  // namespace foresight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  foresight::TrySnapshot({reinterpret_cast<const char*>(data), size});
  return 0;
}
