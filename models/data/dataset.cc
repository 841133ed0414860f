#include "models/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/data/hdf5_file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr float kLargestAction = 1 + 1e-3f;
constexpr const char* kRequired[] = {"observations", "actions", "rewards",
                                     "terminals"};

// Reads the data sets of one file; errors name the file and the data set.
class Reader {
 public:
  Reader(std::string path, const Hdf5File& file)
      : path_(std::move(path)), file_(file) {}

  bool Has(const std::string& name) const { return file_.Has(name); }

  // A [rows, width] data set; rows or width of 0 mean any.
  absl::StatusOr<Hdf5Array> Matrix(const std::string& name, int64_t rows,
                                   int64_t width) const {
    ASSIGN_OR_RETURN(Hdf5Array array, file_.Read(name));
    const std::vector<int64_t>& shape = array.shape;
    if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1 ||
        (rows > 0 && shape[0] != rows) || (width > 0 && shape[1] != width)) {
      return WrongShape(name, shape, rows,
                        width > 0 ? absl::StrCat(width) : "width");
    }
    RETURN_IF_ERROR(CheckEach(name, array, kFinite, IsFinite));
    return array;
  }

  // A Matrix whose values are in [-1, 1], the range of a policy's actions.
  absl::StatusOr<Hdf5Array> Actions(const std::string& name,
                                    int64_t rows) const {
    ASSIGN_OR_RETURN(Hdf5Array array, Matrix(name, rows, 0));
    RETURN_IF_ERROR(CheckEach(name, array, "a value in [-1, 1]", [](float x) {
      return std::abs(x) <= kLargestAction;
    }));
    return array;
  }

  // A [rows] or [rows, 1] data set of zeros and ones.
  absl::StatusOr<std::vector<float>> Flags(const std::string& name,
                                           int64_t rows) const {
    return Column(name, rows, "0 or 1",
                  [](float x) { return x == 0 || x == 1; });
  }

  // A [rows] or [rows, 1] data set of finite values.
  absl::StatusOr<std::vector<float>> Numbers(const std::string& name,
                                             int64_t rows) const {
    return Column(name, rows, kFinite, IsFinite);
  }

 private:
  static constexpr char kFinite[] = "a finite number";
  static bool IsFinite(float x) { return std::isfinite(x); }

  // [rows] or [rows, 1]
  absl::StatusOr<std::vector<float>> Column(
      const std::string& name, int64_t rows, const std::string& expected,
      absl::FunctionRef<bool(float)> fits_value) const {
    ASSIGN_OR_RETURN(Hdf5Array array, file_.Read(name));
    const std::vector<int64_t>& shape = array.shape;
    const bool fits = (shape.size() == 1 && shape[0] == rows) ||
                      (shape.size() == 2 && shape[0] == rows && shape[1] == 1);
    if (!fits) return WrongShape(name, shape, rows, "");
    RETURN_IF_ERROR(CheckEach(name, array, expected, fits_value));
    return std::move(array.values);
  }

  absl::Status WrongShape(const std::string& name,
                          const std::vector<int64_t>& shape, int64_t rows,
                          const std::string& width) const {
    const std::string count = rows > 0 ? absl::StrCat(rows) : "rows";
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": ", name, " has shape [", absl::StrJoin(shape, ", "),
        "], expected [", count, width.empty() ? "" : ", ", width, "]",
        width.empty() ? absl::StrCat(" or [", count, ", 1]") : ""));
  }

  absl::Status CheckEach(const std::string& name, const Hdf5Array& array,
                         const std::string& expected,
                         absl::FunctionRef<bool(float)> fits) const {
    const auto bad =
        std::find_if_not(array.values.begin(), array.values.end(), fits);
    if (bad == array.values.end()) return absl::OkStatus();
    const int64_t width =
        static_cast<int64_t>(array.values.size()) / array.shape[0];
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": ", name, " is ", *bad, " in row ",
        (bad - array.values.begin()) / width, ", expected ", expected));
  }

  std::string path_;
  const Hdf5File& file_;
};

// If `timeouts` is empty, `step_limit` ends episodes.
std::vector<Episode> CutIntoEpisodes(const std::vector<float>& terminals,
                                     const std::vector<float>& timeouts,
                                     int step_limit) {
  const int64_t rows = static_cast<int64_t>(terminals.size());
  std::vector<Episode> episodes;
  int64_t begin = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const bool terminal = terminals[row] != 0;
    const bool cut =
        timeouts.empty() ? row - begin + 1 >= step_limit : timeouts[row] != 0;
    if (!terminal && !cut && row + 1 < rows) continue;
    episodes.push_back({begin, row + 1, terminal});
    begin = row + 1;
  }
  return episodes;
}

}  // namespace

absl::Span<const float> Dataset::observation(int64_t row) const {
  return absl::MakeConstSpan(observations)
      .subspan(row * observation_size, observation_size);
}

absl::Span<const float> Dataset::action(int64_t row) const {
  return absl::MakeConstSpan(actions).subspan(row * action_size, action_size);
}

absl::StatusOr<Dataset> ReadDataset(const std::filesystem::path& path,
                                    int step_limit) {
  if (step_limit < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("step_limit is ", step_limit, ", expected at least 1"));
  }
  ASSIGN_OR_RETURN(const Hdf5File file, Hdf5File::Open(path));
  for (const char* name : kRequired) {
    if (file.Has(name)) continue;
    return absl::NotFoundError(absl::StrCat(path.string(), ": ", name,
                                            ": no such data set; expected ",
                                            absl::StrJoin(kRequired, ", ")));
  }
  const Reader reader(path.string(), file);
  ASSIGN_OR_RETURN(Hdf5Array observations, reader.Matrix("observations", 0, 0));
  const int64_t rows = observations.shape[0];
  const int64_t width = observations.shape[1];
  ASSIGN_OR_RETURN(Hdf5Array actions, reader.Actions("actions", rows));
  Dataset dataset;
  ASSIGN_OR_RETURN(dataset.rewards, reader.Numbers("rewards", rows));
  ASSIGN_OR_RETURN(const std::vector<float> terminals,
                   reader.Flags("terminals", rows));
  std::vector<float> timeouts;
  if (reader.Has("timeouts")) {
    ASSIGN_OR_RETURN(timeouts, reader.Flags("timeouts", rows));
  }
  if (reader.Has("next_observations")) {
    ASSIGN_OR_RETURN(Hdf5Array next,
                     reader.Matrix("next_observations", rows, width));
    dataset.next_observations = std::move(next.values);
  }
  dataset.observation_size = static_cast<int>(width);
  dataset.action_size = static_cast<int>(actions.shape[1]);
  dataset.observations = std::move(observations.values);
  dataset.actions = std::move(actions.values);
  dataset.episodes = CutIntoEpisodes(terminals, timeouts, step_limit);
  return dataset;
}

void KeepFirstRows(Dataset& dataset, int64_t count) {
  dataset.observations.resize(count * dataset.observation_size);
  dataset.actions.resize(count * dataset.action_size);
  dataset.rewards.resize(count);
  if (!dataset.next_observations.empty()) {
    dataset.next_observations.resize(count * dataset.observation_size);
  }
  std::vector<Episode>& episodes = dataset.episodes;
  while (episodes.back().begin >= count) episodes.pop_back();
  if (episodes.back().end > count) {
    episodes.back() = {episodes.back().begin, count, /*terminal=*/false};
  }
}

absl::StatusOr<Split> HoldOut(const std::vector<Episode>& episodes,
                              double fraction, int minimum, uint64_t seed) {
  const int64_t count = static_cast<int64_t>(episodes.size());
  const int64_t held =
      std::max<int64_t>(minimum, static_cast<int64_t>(fraction * count));
  if (held >= count) {
    return absl::InvalidArgumentError(absl::StrCat("holding out ", held,
                                                   " episodes leaves none of ",
                                                   count, " to train on"));
  }
  // A Fisher-Yates shuffle that stops after the `held` places needed. It is
  // written out because std::shuffle differs between standard libraries.
  std::mt19937_64 random(seed);
  std::vector<int64_t> order(count);
  for (int64_t i = 0; i < count; ++i) order[i] = i;
  std::vector<bool> is_held(count, false);
  for (int64_t i = 0; i < held; ++i) {
    std::swap(order[i], order[i + random() % (count - i)]);
    is_held[order[i]] = true;
  }
  Split split;
  for (int64_t i = 0; i < count; ++i) {
    (is_held[i] ? split.held_out : split.training).push_back(episodes[i]);
  }
  return split;
}

}  // namespace foresight
