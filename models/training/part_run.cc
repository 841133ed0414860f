#include "models/training/part_run.h"

#include <cmath>
#include <exception>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "support/file.h"
#include "support/progress.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int kStepsBetweenLooks = 20;  // At the clock and `stop`.

// The lines of <part>.csv: a header, then one per evaluation.
class Log {
 public:
  explicit Log(std::filesystem::path path) : path_(std::move(path)) {}

  // Keeps an earlier run's lines up to `step`.
  void Recall(int64_t step) {
    std::ifstream in(path_);
    std::string line;
    while (std::getline(in, line)) {
      int64_t at = 0;
      const bool header = lines_.empty();
      const bool number = absl::SimpleAtoi(line.substr(0, line.find(',')), &at);
      if (header || (number && at <= step)) lines_.push_back(line);
    }
  }

  absl::Status Add(int64_t step, double loss, const Measurements& values) {
    std::string header = "step,loss";
    std::string line = absl::StrFormat("%d,%.6g", step, loss);
    for (const auto& [name, value] : values) {
      absl::StrAppend(&header, ",", name);
      absl::StrAppendFormat(&line, ",%.6g", value);
    }
    if (lines_.empty()) lines_.push_back(header);
    lines_.push_back(line);
    return WriteFileAtomically(path_, absl::StrJoin(lines_, "\n") + "\n");
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> lines_;
};

absl::Status SaveCheckpoint(const PartRun& run, const Trainer& trainer) {
  return SaveTensorFile(
      CheckpointPath(run.folder, run.part),
      {trainer.State(),
       {{"part", run.part}, {"fingerprint", run.fingerprint}}});
}

absl::Status RestoreCheckpoint(const PartRun& run, Trainer& trainer) {
  const std::filesystem::path path = CheckpointPath(run.folder, run.part);
  if (!std::filesystem::exists(path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const TensorFile file, LoadTensorFile(path));
  RETURN_IF_ERROR(CheckFingerprint(path, file, run.fingerprint));
  const absl::Status restored = trainer.Restore(file.tensors);
  if (restored.ok()) return restored;
  return absl::InvalidArgumentError(
      absl::StrCat(path.string(), ": ", restored.message()));
}

bool Stopped(const PartRun& run) {
  return run.stop != nullptr && run.stop->load();
}

// Leaves out values that only belong in the log.
std::string Describe(double loss, const Measurements& values) {
  std::string note = absl::StrFormat("loss %.4g", loss);
  for (const auto& [name, value] : values) {
    if (absl::EndsWith(name, "_error") || absl::EndsWith(name, "_worst")) {
      continue;
    }
    absl::StrAppendFormat(&note, " %s %.4g", name, value);
  }
  return note;
}

// LibTorch's exceptions pass through.
absl::Status Train(const PartRun& run, Trainer& trainer) {
  RETURN_IF_ERROR(RestoreCheckpoint(run, trainer));
  Log log(run.folder / absl::StrCat(run.part, ".csv"));
  log.Recall(trainer.step());
  Progress progress({run.part, run.steps, trainer.step(), run.columns,
                     run.columns > 0 ? absl::Seconds(0.5) : absl::Seconds(30)},
                    *run.out, absl::Now());
  absl::Time saved = absl::Now();
  const auto save = [&] {
    saved = absl::Now();
    return SaveCheckpoint(run, trainer);
  };
  std::string note;
  for (int evaluation = 1; evaluation <= run.evaluations; ++evaluation) {
    const int64_t until = run.steps * evaluation / run.evaluations;
    if (trainer.step() >= until) continue;
    while (trainer.step() < until) {
      trainer.Step();
      if (trainer.step() % kStepsBetweenLooks != 0) continue;
      const absl::Time now = absl::Now();
      progress.Update(trainer.step(), note, now);
      const bool stopped = Stopped(run);
      if (!stopped && now - saved < run.save_period) continue;
      RETURN_IF_ERROR(save());
      if (!stopped) continue;
      progress.Finish(trainer.step(), "stopped", absl::Now());
      return absl::CancelledError(absl::StrCat(run.part, ": stopped at step ",
                                               trainer.step(),
                                               ", checkpoint saved"));
    }
    const double loss = trainer.TakeMeanLoss();
    const Measurements values = trainer.Evaluate();
    note = Describe(loss, values);
    if (!std::isfinite(loss)) {
      return absl::InternalError(absl::StrCat(
          run.part, ": the loss is no longer finite at step ", trainer.step()));
    }
    RETURN_IF_ERROR(log.Add(trainer.step(), loss, values));
    RETURN_IF_ERROR(save());
  }
  progress.Finish(trainer.step(), note, absl::Now());
  return absl::OkStatus();
}

}  // namespace

std::filesystem::path CheckpointPath(const std::filesystem::path& folder,
                                     const std::string& part) {
  return folder / absl::StrCat(part, ".safetensors");
}

absl::Status CheckFingerprint(const std::filesystem::path& path,
                              const TensorFile& file,
                              const std::string& fingerprint) {
  const auto found = file.metadata.find("fingerprint");
  if (found != file.metadata.end() && found->second == fingerprint) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path.string(),
                   ": is a checkpoint of another recipe, seed or data set; "
                   "use another work folder, or remove it to start again"));
}

absl::Status RunPart(const PartRun& run, Trainer& trainer) {
  try {
    return Train(run, trainer);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(run.part, ": ", error.what()));
  }
}

}  // namespace foresight
