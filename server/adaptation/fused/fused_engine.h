// The hand-written CPU engine: method.md section 3 on packed weights, without a
// tape or a tensor library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/fused/model.h"
#include "server/adaptation/fused/variants.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// Thread-safe. A problem's decision is spread over its workers, with the same
// result to the bit for any number of them. Decisions of one call run one after
// the other: for several at once call Adapt from several threads. Keeps the
// memory of as many decisions as ever ran at once; once that has grown to what
// they take, a decision allocates nothing but an answer that brings no room for
// its action.
class FusedEngine : public Engine {
 public:
  struct Options {
    fused::Variant variant = fused::Variant::kAuto;
    fused::Precision precision = fused::Precision::kFloat32;
    Clock clock = MonotonicNow;
  };

  // Packs the bundle's weights: some 10 ms per million.
  // Errors:
  //   InvalidArgument: FORESIGHT_CPU_VARIANT names no variant (variants.h).
  //   Unavailable:     this CPU lacks what the variant or precision needs.
  //   Unimplemented:   one particle's roll-out would take more than 1 GiB.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(
      std::shared_ptr<const Bundle> bundle, const Options& options);
  ~FusedEngine() override;

  std::unique_ptr<PolicyParameters> NewParameters() const override;
  size_t sizeof_parameters() const override;
  // Beyond engine.h's errors:
  //   InvalidArgument:   the observation's size, or the parameters are not this
  //                      engine's.
  //   ResourceExhausted: there is no memory for it.
  void Adapt(absl::Span<Problem> problems) const override;
  std::unique_ptr<Batch> NewBatch() const override;
  int BatchLimit(const AdaptationSettings& settings) const override;
  std::string name() const override { return "fused"; }
  std::string device() const override { return "cpu"; }

 private:
  // The memory of one decision.
  struct Workspace;
  class FusedBatch;

  FusedEngine(std::shared_ptr<const Bundle> bundle,
              const fused::Kernels& kernels, Clock clock);
  absl::Status Check(const Problem& problem) const;
  std::unique_ptr<Workspace> Acquire() const;
  void Release(std::unique_ptr<Workspace> workspace) const;

  const std::shared_ptr<const fused::Model> model_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight
