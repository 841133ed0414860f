#include "server/engine_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/bundle/random_bundle.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<std::shared_ptr<const Engine>> Make(const EngineChoice& choice) {
  return MakeEngineFactory(choice)(
      std::make_shared<const Bundle>(RandomBundle()));
}

TEST(EngineFactoryTest, OnACpuAutoIsFused) {
  const auto engine = Make({EngineKind::kAuto, "cpu"});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->name(), "fused");
  EXPECT_EQ((*engine)->device(), "cpu");
}

// A thousand sampler steps through wide layers need more tape than the fused
// engine allows.
TEST(EngineFactoryTest, AutoUsesAutogradIfFusedCannotCompute) {
  RandomBundleOptions options;
  options.sampler_steps = 1000;
  options.dynamics.hidden = {4096, 256};
  const auto bundle = std::make_shared<const Bundle>(RandomBundle(options));
  EXPECT_EQ(
      MakeEngineFactory({EngineKind::kFused, "cpu"})(bundle).status().code(),
      absl::StatusCode::kUnimplemented);
  const auto engine = MakeEngineFactory({EngineKind::kAuto, "cpu"})(bundle);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->name(), "autograd");
}

TEST(EngineFactoryTest, AnEngineIsMadeAsNamed) {
  for (const EngineKind kind : {EngineKind::kFused, EngineKind::kAutograd}) {
    const auto engine = Make({kind, "cpu"});
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->name(), NameOf(kind));
  }
}

TEST(EngineFactoryTest, AMissingEngineIsNamedAndUnavailable) {
  const EngineChoice rows[] = {
      {EngineKind::kFused, "cuda:0", fused::Precision::kFloat32},
      {EngineKind::kAuto, "cuda:99", fused::Precision::kFloat32},
      {EngineKind::kAutograd, "cuda:99", fused::Precision::kFloat32},
      {EngineKind::kAutograd, "cpu", fused::Precision::kBfloat16},
  };
  for (const EngineChoice& choice : rows) {
    const absl::Status status = Make(choice).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(
        std::string(status.message()),
        AllOf(HasSubstr("unavailable"), HasSubstr(NameOf(choice.kind)),
              HasSubstr(choice.device), HasSubstr(NameOf(choice.precision))));
  }
}

}  // namespace
}  // namespace foresight
