// Fuzzes a bundle's manifest: any text is accepted or refused, and an accepted
// one is the same after it is written and read back.
#include <cstdint>
#include <cstdlib>

#include "models/bundle/describe.h"
#include "models/bundle/layout.h"
#include "models/bundle/manifest.h"

namespace foresight {
namespace {

void TryManifest(absl::string_view text) {
  const auto manifest = ParseManifest(text);
  if (!manifest.ok() || !CheckManifest(*manifest).ok()) return;
  (void)LimitsOf(*manifest);
  // Strings need not be UTF-8 to be read, but only UTF-8 is preserved.
  const auto again = ParseManifest(FormatManifest(*manifest));
  if (again.ok() && !CheckManifest(*again).ok()) std::abort();
}

}  // namespace
}  // namespace foresight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  foresight::TryManifest({reinterpret_cast<const char*>(data), size});
  return 0;
}
