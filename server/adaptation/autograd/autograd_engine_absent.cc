// Stands in for autograd_engine.cc in a build without LibTorch: no engine is
// ever created, so nothing else of the class is needed.
#include "server/adaptation/autograd/autograd_engine.h"

namespace foresight {

absl::StatusOr<std::unique_ptr<AutogradEngine>> AutogradEngine::Create(
    const Bundle&, Options) {
  return absl::UnavailableError("this program was built without LibTorch");
}

}  // namespace foresight
