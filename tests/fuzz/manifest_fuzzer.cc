// Fuzzes a bundle's manifest: any text is accepted or refused, and an accepted
// one is written and read back unchanged. A small bundle is made from it, with
// weights of the shapes that it asks for.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "models/bundle/bundle.h"
#include "models/bundle/describe.h"
#include "models/bundle/layout.h"
#include "models/bundle/manifest.h"

namespace foresight {
namespace {

constexpr int64_t kMostValues = 1 << 16;

// Returns none if the weights would be too many.
std::optional<TensorMap> WeightsFor(const v1::Bundle& manifest) {
  TensorMap tensors;
  int64_t left = kMostValues;
  for (const TensorSpec& spec : BundleTensors(manifest)) {
    int64_t size = 1;
    for (const int64_t extent : spec.shape) {
      if (extent < 0 || extent > left) return std::nullopt;
      size *= extent;
    }
    left -= size;
    if (left < 0) return std::nullopt;
    tensors[spec.name] = {spec.shape, std::vector<float>(size, 0.5f)};
  }
  return tensors;
}

void TryManifest(absl::string_view text) {
  const auto manifest = ParseManifest(text);
  if (!manifest.ok() || !CheckManifest(*manifest).ok()) return;
  (void)LimitsOf(*manifest);
  // Strings need not be UTF-8 to be read, but only UTF-8 is preserved.
  const auto again = ParseManifest(FormatManifest(*manifest));
  if (again.ok() && !CheckManifest(*again).ok()) std::abort();
  std::optional<TensorMap> weights = WeightsFor(*manifest);
  if (!weights.has_value()) return;
  const auto bundle = Bundle::Create(*manifest, *std::move(weights));
  // Its settings may be wrong; the weights are not.
  if (!bundle.ok() &&
      absl::StrContains(bundle.status().message(), "weights.safetensors")) {
    std::abort();
  }
}

}  // namespace
}  // namespace foresight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  foresight::TryManifest({reinterpret_cast<const char*>(data), size});
  return 0;
}
