#include "server/registry/model_registry.h"

#include <gtest/gtest.h>

#include "server/support/error.h"
#include "tests/support/fake_engine.h"
#include "tests/support/random_bundle.h"

namespace foresight {
namespace {

LoadedModel Model(const std::string& name) {
  RandomBundleOptions options;
  options.name = name;
  return {std::make_shared<const Bundle>(RandomBundle(options)),
          std::make_shared<const FakeEngine>(options.action_size)};
}

TEST(ModelRegistryTest, AModelIsFoundByItsName) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper")).ok());
  ASSERT_TRUE(registry.Add(Model("ant")).ok());
  EXPECT_EQ(registry.Find("hopper").value()->name(), "hopper");
  const auto models = registry.List();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0]->name(), "ant");
  EXPECT_EQ(models[1]->name(), "hopper");
}

TEST(ModelRegistryTest, AnUnknownModelIsRefusedNamingThoseServed) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper")).ok());
  ASSERT_TRUE(registry.Add(Model("ant")).ok());
  const absl::Status unknown = registry.Find("walker\n").status();
  EXPECT_EQ(ReasonName(unknown), "MODEL_UNKNOWN");
  EXPECT_EQ(unknown.message(),
            "model \"walker\\n\" is not served, expected one of \"ant\", "
            "\"hopper\"");
}

TEST(ModelRegistryTest, AnEmptyNameIsTheOnlyModelServed) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper")).ok());
  EXPECT_EQ(registry.Find("").value()->name(), "hopper");
  ASSERT_TRUE(registry.Add(Model("ant")).ok());
  const absl::Status unknown = registry.Find("").status();
  EXPECT_EQ(ReasonName(unknown), "MODEL_UNKNOWN");
  EXPECT_EQ(unknown.message(),
            "no model is named, expected one of \"ant\", \"hopper\"");
}

TEST(ModelRegistryTest, TwoModelsCannotShareAName) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper")).ok());
  const auto first = registry.Find("hopper").value();
  const absl::Status twice = registry.Add(Model("hopper"));
  EXPECT_EQ(twice.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(twice.message(),
            "two bundles are named \"hopper\", expected different names");
  EXPECT_EQ(registry.Find("hopper").value(), first);
}

TEST(LoadedModelTest, AWarmUpMeasuresTheFrozenDecisionAndOneStep) {
  const LoadedModel cold = Model("hopper");
  const auto model = WarmUp(cold.bundle, cold.engine);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_GT(model->frozen_time, absl::ZeroDuration());
  EXPECT_LT(model->frozen_time, absl::Seconds(1));
  const auto& engine = static_cast<const FakeEngine&>(*cold.engine);
  EXPECT_EQ(engine.steps(), 6);  // All others were frozen.
  // In proportion to the imagined transitions.
  AdaptationSettings settings = model->bundle->defaults();
  const absl::Duration step = model->StepTime(settings);
  EXPECT_GT(step, absl::ZeroDuration());
  settings.horizon *= 2;
  EXPECT_EQ(model->StepTime(settings), 2 * step);
  EXPECT_EQ(engine.alive(), 0);
}

}  // namespace
}  // namespace foresight
