#include "models/data/hdf5_file.h"

#include <hdf5.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace foresight {
namespace {

static_assert(sizeof(hid_t) == sizeof(int64_t), "HDF5 1.10 or newer");

constexpr int64_t kMaxValues = int64_t{1} << 31;

// A handle of the C library, closed by `Close`.
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() {
    if (valid()) Close(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  bool valid() const { return id_ >= 0; }
  hid_t id() const { return id_; }

 private:
  hid_t id_;
};

// Keeps the library from printing errors to stderr; our statuses report them.
void Silence() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

bool HoldsNumbers(hid_t data) {
  const Handle<H5Tclose> type(H5Dget_type(data));
  const H5T_class_t kind = H5Tget_class(type.id());
  return kind == H5T_FLOAT || kind == H5T_INTEGER || kind == H5T_ENUM;
}

}  // namespace

void Hdf5File::Closer::operator()(int64_t* file) const {
  H5Fclose(*file);
  delete file;
}

absl::StatusOr<Hdf5File> Hdf5File::Open(const std::filesystem::path& path) {
  Silence();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat(path.string(), ": no such file"));
  }
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(),
                     ": expected an HDF5 file that can be read, "
                     "but the library refuses it"));
  }
  return Hdf5File(path, file);
}

bool Hdf5File::Has(const std::string& name) const {
  return H5Lexists(*file_, name.c_str(), H5P_DEFAULT) > 0;
}

absl::StatusOr<Hdf5Array> Hdf5File::Read(const std::string& name) const {
  const std::string where = absl::StrCat(path_.string(), ": ", name);
  if (!Has(name)) {
    return absl::NotFoundError(absl::StrCat(where, ": no such data set"));
  }
  const Handle<H5Dclose> data(H5Dopen2(*file_, name.c_str(), H5P_DEFAULT));
  if (!data.valid() || !HoldsNumbers(data.id())) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": expected a data set of numbers"));
  }
  const Handle<H5Sclose> space(H5Dget_space(data.id()));
  const int dimensions = H5Sget_simple_extent_ndims(space.id());
  std::vector<hsize_t> extent(dimensions < 0 ? 0 : dimensions);
  H5Sget_simple_extent_dims(space.id(), extent.data(), nullptr);
  Hdf5Array array;
  int64_t count = 1;
  for (const hsize_t size : extent) {
    if (size > static_cast<hsize_t>(kMaxValues) ||
        (count *= static_cast<int64_t>(size)) > kMaxValues) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, ": expected at most ", kMaxValues, " values, got more"));
    }
    array.shape.push_back(static_cast<int64_t>(size));
  }
  array.values.resize(count);
  if (count > 0 && H5Dread(data.id(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL,
                           H5P_DEFAULT, array.values.data()) < 0) {
    return absl::DataLossError(absl::StrCat(where, ": cannot be read"));
  }
  return array;
}

}  // namespace foresight
