// Fuzzes a file of tokens: any text is accepted or refused, and only listed
// tokens are found.
#include <cstdint>
#include <cstdlib>

#include "server/security/token_table.h"

namespace foresight {
namespace {

void TryTokens(absl::string_view text) {
  const auto table = TokenTable::Parse(text);
  if (!table.ok()) return;
  if (table->size() == 0) std::abort();
  // A text cannot contain its own digest.
  if (table->Find(text) != nullptr || table->Find("") != nullptr) std::abort();
}

}  // namespace
}  // namespace foresight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  foresight::TryTokens({reinterpret_cast<const char*>(data), size});
  return 0;
}
