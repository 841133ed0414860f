#include "tests/support/d4rl_file.h"

#include <hdf5.h>

#include <cstdio>
#include <cstdlib>

namespace foresight {
namespace {

// Aborts on failure, which the C library shows by a negative handle or result.
template <typename T>
T Must(T result) {
  if (result >= 0) return result;
  std::fprintf(stderr, "HDF5 refuses to write a test's file\n");
  std::abort();
}

// h5py's bool.
hid_t MakeBool() {
  const hid_t type = Must(H5Tenum_create(H5T_NATIVE_INT8));
  int8_t value = 0;
  Must(H5Tenum_insert(type, "FALSE", &value));
  value = 1;
  Must(H5Tenum_insert(type, "TRUE", &value));
  return type;
}

hid_t MakeType(Stored stored) {
  switch (stored) {
    case Stored::kFloat32:
      return Must(H5Tcopy(H5T_IEEE_F32LE));
    case Stored::kFloat64:
      return Must(H5Tcopy(H5T_IEEE_F64LE));
    case Stored::kUint8:
      return Must(H5Tcopy(H5T_STD_U8LE));
    case Stored::kBool:
      return MakeBool();
    case Stored::kText: {
      const hid_t type = Must(H5Tcopy(H5T_C_S1));
      Must(H5Tset_size(type, 4));
      return type;
    }
  }
  std::abort();
}

}  // namespace

D4rlFile::D4rlFile(const std::filesystem::path& path)
    : file_(Must(
          H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT))) {}

D4rlFile::~D4rlFile() { Must(H5Fclose(file_)); }

void D4rlFile::Write(const std::string& name, const std::vector<int64_t>& shape,
                     const std::vector<double>& values, Stored stored) {
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  const hid_t space = Must(H5Screate_simple(static_cast<int>(extent.size()),
                                            extent.data(), nullptr));
  const hid_t type = MakeType(stored);
  const hid_t data = Must(H5Dcreate2(file_, name.c_str(), type, space,
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  const std::vector<int8_t> flags(values.begin(), values.end());
  if (stored == Stored::kBool) {
    Must(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, flags.data()));
  } else if (stored != Stored::kText) {
    Must(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                  values.data()));
  }
  Must(H5Dclose(data));
  Must(H5Tclose(type));
  Must(H5Sclose(space));
}

void D4rlFile::WriteGroup(const std::string& name) {
  Must(H5Gclose(Must(
      H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT))));
}

}  // namespace foresight
