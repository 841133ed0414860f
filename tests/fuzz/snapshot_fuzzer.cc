// Fuzzes a snapshot's bytes: any bytes are accepted or refused, and accepted
// ones are sealed and read back unchanged. The bytes are tried as a whole
// snapshot, and as the content of one, since no fuzzer guesses a checksum.
#include <cstdint>
#include <cstdlib>

#include "server/durability/sealed.h"
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
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  foresight::TrySnapshot(bytes);
  foresight::TrySnapshot(foresight::Seal("foresight-snapshot/1", bytes));
  return 0;
}
