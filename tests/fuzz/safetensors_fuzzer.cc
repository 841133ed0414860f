// Fuzzes a file of weights: any bytes are accepted or refused, and accepted
// ones are written and read back bit for bit.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "models/bundle/safetensors.h"

namespace foresight {
namespace {

bool Same(const TensorMap& a, const TensorMap& b) {
  if (a.size() != b.size()) return false;
  for (auto x = a.begin(), y = b.begin(); x != a.end(); ++x, ++y) {
    if (x->first != y->first || x->second.shape != y->second.shape ||
        x->second.values.size() != y->second.values.size() ||
        (!x->second.values.empty() &&
         std::memcmp(x->second.values.data(), y->second.values.data(),
                     x->second.values.size() * sizeof(float)) != 0)) {
      return false;
    }
  }
  return true;
}

void TryWeights(absl::string_view bytes) {
  const auto tensors = ParseSafetensors(bytes);
  if (!tensors.ok()) return;
  const auto again = ParseSafetensors(FormatSafetensors(*tensors));
  if (!again.ok() || !Same(*tensors, *again)) std::abort();
}

}  // namespace
}  // namespace foresight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  foresight::TryWeights({reinterpret_cast<const char*>(data), size});
  return 0;
}
