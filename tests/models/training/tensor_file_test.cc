#include "models/training/tensor_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class TensorFileTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "x.tensors"; }
  std::string Bytes() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary) << bytes;
  }
  TemporaryFolder folder_;
};

TEST_F(TensorFileTest, KeepsEveryTypeBitForBit) {
  TensorFile file;
  file.tensors["float"] = at::tensor({1.5f, -0.0f, 1e-40f}).view({3, 1});
  file.tensors["double"] = at::tensor({0.1}, at::TensorOptions(at::kDouble));
  file.tensors["long"] =
      at::tensor({int64_t{1} << 60}, at::TensorOptions(at::kLong));
  file.tensors["byte"] = at::tensor({0, 255}, at::TensorOptions(at::kByte));
  file.tensors["scalar"] = at::zeros({});
  file.tensors["empty"] = at::zeros({0, 4});
  file.metadata = {{"part", "policy"}};
  ASSERT_TRUE(SaveTensorFile(path(), file).ok());
  const auto loaded = LoadTensorFile(path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->metadata, file.metadata);
  ASSERT_EQ(loaded->tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    const at::Tensor& other = loaded->tensors.at(name);
    EXPECT_EQ(other.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(other, tensor)) << name;
  }
  EXPECT_TRUE(
      std::signbit(loaded->tensors.at("float").const_data_ptr<float>()[1]));
}

TEST_F(TensorFileTest, WritesRowMajorForAnyStrides) {
  TensorFile file;
  file.tensors["x"] = at::tensor({1.0f, 2.0f, 3.0f, 4.0f}).view({2, 2}).t();
  ASSERT_TRUE(SaveTensorFile(path(), file).ok());
  EXPECT_TRUE(at::equal(LoadTensorFile(path())->tensors.at("x"),
                        at::tensor({1.0f, 3.0f, 2.0f, 4.0f}).view({2, 2})));
}

TEST_F(TensorFileTest, RefusesEveryTruncation) {
  TensorFile file;
  file.tensors["x"] = at::tensor({1.0f, 2.0f});
  ASSERT_TRUE(SaveTensorFile(path(), file).ok());
  const std::string bytes = Bytes();
  for (size_t length = 0; length < bytes.size(); ++length) {
    Write(bytes.substr(0, length));
    const auto loaded = LoadTensorFile(path());
    ASSERT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument)
        << length;
    ASSERT_THAT(std::string(loaded.status().message()), HasSubstr("x.tensors"));
  }
}

TEST_F(TensorFileTest, RefusesAHeaderThatLies) {
  const auto with_header = [](const std::string& header) {
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());
    return bytes + header + std::string(8, '\0');
  };
  for (const char* header :
       {R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
        R"({"x":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],)"
        R"("data_offsets":[0,0]}})",
        R"({"x":{"shape":[2],"data_offsets":[0,8]}})", R"({"x":3})", "[]"}) {
    Write(with_header(header));
    EXPECT_EQ(LoadTensorFile(path()).status().code(),
              absl::StatusCode::kInvalidArgument)
        << header;
  }
}

TEST_F(TensorFileTest, TellsAMissingFile) {
  EXPECT_EQ(LoadTensorFile(path()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(SaveTensorFile(folder_.path() / "no" / "folder", {}).code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace foresight
