// The hand-written CPU engine: docs/method.md section 3 on packed weights,
// without a tape or a tensor library.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/fused/model.h"
#include "server/adaptation/fused/variants.h"

namespace foresight {

// Thread-safe. A problem's decision is spread over its workers, with the same
// result to the bit for any number of them. Once a batch's memory has grown to
// its decisions' needs, they allocate nothing but room for the action in
// answers that have none.
class FusedEngine : public Engine {
 public:
  struct Options {
    fused::Variant variant = fused::Variant::kAuto;
    fused::Precision precision = fused::Precision::kFloat32;
    Clock clock = MonotonicNow;
    // Bytes of unused memory that are kept for later decisions.
    size_t max_idle_scratch = size_t{256} << 20;
  };

  // Packs the bundle's weights, in about 10 ms per million weights.
  // Errors:
  //   InvalidArgument: FORESIGHT_CPU_VARIANT names no variant (variants.h).
  //   Unavailable:     this CPU lacks what the variant or precision needs.
  //   Unimplemented:   one particle's rollout would take more than 1 GiB.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(
      std::shared_ptr<const Bundle> bundle, const Options& options);
  ~FusedEngine() override;

  std::unique_ptr<PolicyParameters> NewParameters() const override;
  size_t sizeof_parameters() const override;
  // Besides the errors of engine.h, a decision may have:
  //   InvalidArgument:   the observation's size is wrong, or the parameters
  //                      belong to another engine.
  //   ResourceExhausted: there is not enough memory.
  std::unique_ptr<Batch> NewBatch() const override;
  bool SideBySide(const Problem& a, const Problem& b) const override;
  int BatchLimit(const AdaptationSettings& settings) const override;
  std::string name() const override { return "fused"; }
  std::string device() const override { return "cpu"; }

 private:
  FusedEngine(std::shared_ptr<const Bundle> bundle,
              const fused::Kernels& kernels, const Options& options);

  const std::shared_ptr<const fused::Model> model_;
};

}  // namespace foresight
