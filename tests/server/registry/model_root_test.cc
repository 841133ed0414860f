#include "server/registry/model_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "server/support/error.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ModelRootTest : public ::testing::Test {
 protected:
  // root/hopper and root/nested/ant, beside outside/ and root-2/.
  ModelRootTest() {
    for (const char* folder :
         {"root/hopper", "root/nested/ant", "outside", "root-2/walker"}) {
      fs::create_directories(folder_.path() / folder);
    }
    for (const char* folder : {"root/hopper", "outside"}) {
      std::ofstream(folder_.path() / folder / "bundle.json") << "{}";
    }
  }

  fs::path At(const std::string& path) const {
    return fs::canonical(folder_.path()) / path;
  }
  absl::StatusOr<fs::path> Resolve(absl::string_view folder) const {
    return ModelRoot(At("root").string()).Resolve(folder);
  }
  // Returns the error's message; the test fails if the reason is another or
  // there is no error.
  std::string Refusal(absl::string_view folder) const {
    const absl::Status status = Resolve(folder).status();
    EXPECT_EQ(ReasonName(status), "BUNDLE_INVALID") << status;
    return std::string(status.message());
  }

  TemporaryFolder folder_;
};

TEST_F(ModelRootTest, AFolderBelowTheRootIsFound) {
  EXPECT_EQ(Resolve("hopper").value(), At("root/hopper"));
  EXPECT_EQ(Resolve("hopper/").value(), At("root/hopper"));
  EXPECT_EQ(Resolve("./nested/ant").value(), At("root/nested/ant"));
}

TEST_F(ModelRootTest, TheRootItselfMayBeALink) {
  fs::create_directory_symlink(At("root"), At("current"));
  EXPECT_EQ(ModelRoot(At("current").string()).Resolve("hopper").value(),
            At("root/hopper"));
}

TEST_F(ModelRootTest, AbsolutePathsAndParentsAreRefused) {
  EXPECT_THAT(Refusal(At("root/hopper").string()), HasSubstr("is absolute"));
  for (const char* folder :
       {"..", "../outside", "hopper/..", "nested/../hopper", "../root/hopper",
        "hopper/../../outside"}) {
    EXPECT_THAT(Refusal(folder), HasSubstr("the component \"..\"")) << folder;
  }
}

TEST_F(ModelRootTest, TextThatNamesNoFolderBelowTheRootIsRefused) {
  EXPECT_THAT(Refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(Refusal("."), HasSubstr("is not below"));
  EXPECT_THAT(Refusal("absent"), HasSubstr("No such file"));
  EXPECT_THAT(Refusal("hopper/bundle.json"), HasSubstr("Not a directory"));
  EXPECT_THAT(Refusal(absl::string_view("hopper\0/../../outside", 21)),
              HasSubstr("zero byte"));
}

TEST_F(ModelRootTest, LinksThatLeadOutAreRefused) {
  fs::create_directory_symlink(At("outside"), At("root/away"));
  fs::create_directory_symlink("../../root-2", At("root/nested/sibling"));
  fs::create_directory_symlink("..", At("root/parent"));
  EXPECT_THAT(Refusal("away"), HasSubstr("is not below"));
  EXPECT_THAT(Refusal("nested/sibling/walker"), HasSubstr("is not below"));
  EXPECT_THAT(Refusal("parent/root-2/walker"), HasSubstr("is not below"));
  // A link in place of one of the bundle's files.
  fs::create_directories(At("root/borrowed"));
  fs::create_symlink(At("outside/bundle.json"),
                     At("root/borrowed/weights.safetensors"));
  EXPECT_THAT(Refusal("borrowed"),
              HasSubstr("the link weights.safetensors, which leads out"));
}

TEST_F(ModelRootTest, LinksThatStayBelowTheRootAreFollowed) {
  fs::create_directory_symlink("nested/ant", At("root/latest"));
  fs::create_symlink(At("root/hopper/bundle.json"),
                     At("root/nested/ant/bundle.json"));
  EXPECT_EQ(Resolve("latest").value(), At("root/nested/ant"));
}

TEST_F(ModelRootTest, WithoutARootNothingIsLoaded) {
  const absl::Status status = ModelRoot("").Resolve("hopper").status();
  EXPECT_EQ(ReasonName(status), "BUNDLE_INVALID");
  EXPECT_THAT(std::string(status.message()), HasSubstr("--model-root"));
}

}  // namespace
}  // namespace foresight
