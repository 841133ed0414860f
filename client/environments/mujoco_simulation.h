// A MuJoCo model and its state, advanced as by gymnasium's MujocoEnv.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

struct mjModel_;  // MuJoCo's; used only in the .cc.
struct mjData_;

namespace foresight {

// Not thread-safe; separate simulations may run on separate threads. MuJoCo's
// warnings are neither printed nor written to its log file.
class MujocoSimulation {
 public:
  // Errors:
  //   NotFound:        no file at `model`.
  //   InvalidArgument: the file is not a MuJoCo model; the message is MuJoCo's.
  static absl::StatusOr<MujocoSimulation> Load(
      const std::filesystem::path& model);

  int position_size() const;    // nq
  int velocity_size() const;    // nv
  int control_size() const;     // nu
  double timestep_sec() const;  // One frame lasts this long.

  absl::Span<const double> position() const;          // [nq]
  absl::Span<const double> velocity() const;          // [nv]
  absl::Span<const double> initial_position() const;  // [nq], the model's.

  // Restarts the simulation at this state and time 0.
  // Errors: InvalidArgument: a size is wrong, or a value is not finite.
  absl::Status SetState(absl::Span<const double> position,   // [nq]
                        absl::Span<const double> velocity);  // [nv]

  // Advances by `frames` frames under one control.
  // Errors: InvalidArgument: `control` is not nu finite values; nothing has
  // moved.
  absl::Status Step(absl::Span<const float> control /* [nu] */, int frames);

 private:
  struct Delete {
    void operator()(mjModel_* model) const;
    void operator()(mjData_* data) const;
  };

  MujocoSimulation(std::unique_ptr<mjModel_, Delete> model,
                   std::unique_ptr<mjData_, Delete> data);

  std::unique_ptr<mjModel_, Delete> model_;
  std::unique_ptr<mjData_, Delete> data_;
};

}  // namespace foresight
