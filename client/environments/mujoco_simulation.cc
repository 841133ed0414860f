#include "client/environments/mujoco_simulation.h"

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace foresight {
namespace {

// Ignores warnings, as old models cause harmless ones (settotalmass); MuJoCo's
// own handler would write MUJOCO_LOG.TXT into the working folder. Prints
// errors, after which MuJoCo ends the process.
void HandleMessage(const mjLogMessage* message) {
  if (message->level < mjLOG_ERROR) return;
  std::fprintf(stderr, "mujoco: %s\n", message->subject);
}

absl::Status CheckValues(absl::string_view what,
                         absl::Span<const double> values, int expected) {
  if (static_cast<int>(values.size()) != expected) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " has ", values.size(), " values, expected ", expected));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, "[", i, "] is ", values[i], ", expected finite"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void MujocoSimulation::Delete::operator()(mjModel_* model) const {
  mj_deleteModel(model);
}
void MujocoSimulation::Delete::operator()(mjData_* data) const {
  mj_deleteData(data);
}

MujocoSimulation::MujocoSimulation(std::unique_ptr<mjModel_, Delete> model,
                                   std::unique_ptr<mjData_, Delete> data)
    : model_(std::move(model)), data_(std::move(data)) {}

absl::StatusOr<MujocoSimulation> MujocoSimulation::Load(
    const std::filesystem::path& model) {
  static const mjfLogHandler previous = mju_setLogHandler(&HandleMessage);
  static_cast<void>(previous);
  std::error_code error;
  if (!std::filesystem::is_regular_file(model, error)) {
    return absl::NotFoundError(
        absl::StrCat("no MuJoCo model at ", model.string()));
  }
  char reason[1000] = "";
  std::unique_ptr<mjModel_, Delete> loaded(
      mj_loadXML(model.c_str(), nullptr, reason, sizeof(reason)));
  if (loaded == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(model.string(), ": ", reason));
  }
  std::unique_ptr<mjData_, Delete> data(mj_makeData(loaded.get()));
  return MujocoSimulation(std::move(loaded), std::move(data));
}

int MujocoSimulation::position_size() const {
  return static_cast<int>(model_->nq);
}
int MujocoSimulation::velocity_size() const {
  return static_cast<int>(model_->nv);
}
int MujocoSimulation::control_size() const {
  return static_cast<int>(model_->nu);
}
double MujocoSimulation::timestep_sec() const { return model_->opt.timestep; }

absl::Span<const double> MujocoSimulation::position() const {
  return absl::MakeConstSpan(data_->qpos, position_size());
}
absl::Span<const double> MujocoSimulation::velocity() const {
  return absl::MakeConstSpan(data_->qvel, velocity_size());
}
absl::Span<const double> MujocoSimulation::initial_position() const {
  return absl::MakeConstSpan(model_->qpos0, position_size());
}

absl::Status MujocoSimulation::SetState(absl::Span<const double> position,
                                        absl::Span<const double> velocity) {
  absl::Status status = CheckValues("position", position, position_size());
  if (status.ok()) status = CheckValues("velocity", velocity, velocity_size());
  if (!status.ok()) return status;
  mj_resetData(model_.get(), data_.get());
  std::copy(position.begin(), position.end(), data_->qpos);
  std::copy(velocity.begin(), velocity.end(), data_->qvel);
  mj_forward(model_.get(), data_.get());
  return absl::OkStatus();
}

absl::Status MujocoSimulation::Step(absl::Span<const float> control,
                                    int frames) {
  const std::vector<double> values(control.begin(), control.end());
  if (absl::Status status = CheckValues("action", values, control_size());
      !status.ok()) {
    return status;
  }
  std::copy(values.begin(), values.end(), data_->ctrl);
  for (int frame = 0; frame < frames; ++frame) {
    mj_step(model_.get(), data_.get());
  }
  return absl::OkStatus();
}

}  // namespace foresight
