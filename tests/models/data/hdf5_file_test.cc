#include "models/data/hdf5_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/d4rl_file.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Hdf5FileTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "x.hdf5"; }
  TemporaryFolder folder_;
};

TEST_F(Hdf5FileTest, ReadsEveryTypeOfNumber) {
  {
    D4rlFile out(path());
    out.Write("f32", {2}, {0.5, -2}, Stored::kFloat32);
    out.Write("f64", {2, 1}, {1.5, 3}, Stored::kFloat64);
    out.Write("u8", {3}, {0, 1, 255}, Stored::kUint8);
    out.Write("bool", {3}, {0, 1, 0}, Stored::kBool);
  }
  const auto file = Hdf5File::Open(path());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->Read("f32")->values, ElementsAre(0.5f, -2.0f));
  EXPECT_THAT(file->Read("f64")->values, ElementsAre(1.5f, 3.0f));
  EXPECT_THAT(file->Read("f64")->shape, ElementsAre(2, 1));
  EXPECT_THAT(file->Read("u8")->values, ElementsAre(0, 1, 255));
  EXPECT_THAT(file->Read("bool")->values, ElementsAre(0, 1, 0));
  EXPECT_TRUE(file->Has("bool"));
  EXPECT_FALSE(file->Has("timeouts"));
}

TEST_F(Hdf5FileTest, NamesTheUnreadableFile) {
  {
    D4rlFile out(path());
    out.WriteGroup("group");
    out.Write("text", {2}, {}, Stored::kText);
  }
  const auto file = Hdf5File::Open(path());
  ASSERT_TRUE(file.ok()) << file.status();
  const auto missing = file->Read("rewards");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(missing.status().message(), HasSubstr("x.hdf5: rewards"));
  for (const char* name : {"group", "text"}) {
    const auto wrong = file->Read(name);
    EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(wrong.status().message(), HasSubstr(name));
  }
}

TEST_F(Hdf5FileTest, TellsNoFileFromAnotherFormat) {
  EXPECT_EQ(Hdf5File::Open(path()).status().code(),
            absl::StatusCode::kNotFound);
  std::ofstream(path()) << "not HDF5 at all";
  const auto other = Hdf5File::Open(path());
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(other.status().message(), HasSubstr("x.hdf5"));
}

}  // namespace
}  // namespace foresight
