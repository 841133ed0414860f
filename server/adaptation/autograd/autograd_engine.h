// The engine that differentiates with LibTorch, on a CPU or a CUDA device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

class WorldModel;

// Thread-safe. On a CPU it computes the problems of a batch one after another
// on the calling thread. So results are the same to the bit whatever else is in
// the batch and however many threads LibTorch has; to use several cores, run
// several batches at once. On a GPU it computes problems with the same horizon,
// particles, sampler_steps and discount side by side, which may change the last
// bits.
class AutogradEngine : public Engine {
 public:
  struct Options {
    std::string device = "cpu";     // "cpu", "cuda" (the first), "cuda:N".
    bool double_precision = false;  // float64 throughout, for comparisons.
    Clock clock = MonotonicNow;     // For deadlines.
    // Problems side by side, >= 1; 0 means 1 on a CPU, 64 on a GPU.
    int max_batch = 0;
    // Particles imagined at once, over all problems side by side, >= 1; 0 means
    // 256 on a CPU, and as many as memory allows on a GPU.
    int64_t max_rows = 0;
  };

  // Copies the bundle's weights to the device.
  // Errors:
  //   InvalidArgument: an option is out of range.
  //   Unavailable:     this machine or program lacks the device; the message
  //                    names it.
  static absl::StatusOr<std::unique_ptr<AutogradEngine>> Create(
      const Bundle& bundle, Options options);
  static absl::StatusOr<std::unique_ptr<AutogradEngine>> Create(
      const Bundle& bundle);

  ~AutogradEngine() override;

  std::unique_ptr<PolicyParameters> NewParameters() const override;
  size_t sizeof_parameters() const override;

  // Besides the errors of engine.h, a decision may have:
  //   InvalidArgument:   the observation's size is wrong, or the parameters
  //                      belong to another engine.
  //   ResourceExhausted: the device's memory does not suffice.
  //   Internal:          LibTorch failed.
  std::unique_ptr<Batch> NewBatch() const override;
  bool SideBySide(const Problem& a, const Problem& b) const override;
  int BatchLimit(const AdaptationSettings& settings) const override;

  std::string name() const override { return "autograd"; }
  std::string device() const override { return options_.device; }

 private:
  AutogradEngine(std::unique_ptr<const WorldModel> model, Options options);

  const std::unique_ptr<const WorldModel> model_;
  const Options options_;  // Resolved.
};

}  // namespace foresight
