#include "server/engine_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_bundle.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<std::shared_ptr<const Engine>> Make(const EngineChoice& choice) {
  return MakeEngineFactory(choice)(
      std::make_shared<const Bundle>(RandomBundle()));
}

TEST(EngineFactoryTest, OnACpuAutoIsFused) {
  const auto engine = Make({"auto", "cpu"});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->name(), "fused");
  EXPECT_EQ((*engine)->device(), "cpu");
}

// A thousand sampler steps through wide layers need more tape than fused
// allows.
TEST(EngineFactoryTest, AutoUsesAutogradIfFusedCannotCompute) {
  RandomBundleOptions options;
  options.sampler_steps = 1000;
  options.dynamics.hidden = {4096, 256};
  const auto bundle = std::make_shared<const Bundle>(RandomBundle(options));
  EXPECT_EQ(MakeEngineFactory({"fused", "cpu"})(bundle).status().code(),
            absl::StatusCode::kUnimplemented);
  const auto engine = MakeEngineFactory({"auto", "cpu"})(bundle);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->name(), "autograd");
}

TEST(EngineFactoryTest, AnEngineIsMadeAsNamed) {
  for (const char* name : {"fused", "autograd"}) {
    const auto engine = Make({name, "cpu"});
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->name(), name);
  }
}

TEST(EngineFactoryTest, AMissingEngineIsNamedAndUnavailable) {
  const EngineChoice rows[] = {
      {"fused", "cuda:0", "float32"},
      {"auto", "cuda:99", "float32"},
      {"autograd", "cuda:99", "float32"},
      {"autograd", "cpu", "bf16"},
  };
  for (const EngineChoice& choice : rows) {
    const absl::Status status = Make(choice).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("unavailable"), HasSubstr(choice.engine),
                      HasSubstr(choice.device), HasSubstr(choice.precision)));
  }
}

}  // namespace
}  // namespace foresight
