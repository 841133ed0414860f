#include "server/registry/model_registry.h"

#include <gtest/gtest.h>

#include "models/bundle/random_bundle.h"
#include "server/support/error.h"
#include "tests/support/fake_engine.h"

namespace foresight {
namespace {

LoadedModel Model(const std::string& name, uint64_t seed = 1) {
  RandomBundleOptions options;
  options.name = name;
  options.seed = seed;
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

TEST(ModelRegistryTest, WithoutAModelNoneIsExpected) {
  const ModelRegistry registry;
  EXPECT_EQ(registry.Find("hopper").status().message(),
            "model \"hopper\" is not served, expected one that is loaded: "
            "none is");
}

TEST(ModelRegistryTest, AReplacedModelStaysWithItsHolders) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper", 1)).ok());
  auto held = registry.Find("hopper").value();
  const std::weak_ptr<const LoadedModel> old = held;
  const auto fresh = registry.Serve(Model("hopper", 2));
  EXPECT_EQ(registry.Find("hopper").value(), fresh);
  EXPECT_EQ(registry.List().size(), 1u);
  EXPECT_EQ(registry.FreeUnused(), 0u);
  EXPECT_EQ(registry.generations(), 2u);
  held.reset();
  EXPECT_FALSE(old.expired());  // It stays until FreeUnused.
  EXPECT_EQ(registry.FreeUnused(), 1u);
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(registry.generations(), 1u);
  EXPECT_EQ(registry.Find("hopper").value(), fresh);
}

TEST(ModelRegistryTest, AnEarlierGenerationIsServedAgain) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper", 1)).ok());
  const auto first = registry.Find("hopper").value();
  const v1::Bundle manifest = first->bundle->manifest();
  EXPECT_EQ(registry.ServeAgain(manifest), first);  // It is served already.
  const auto second = registry.Serve(Model("hopper", 2));
  EXPECT_EQ(registry.ServeAgain(manifest), first);
  EXPECT_EQ(registry.Find("hopper").value(), first);
  EXPECT_EQ(registry.generations(), 2u);
  // Other weights or another default make it a different model.
  v1::Bundle other = manifest;
  other.mutable_defaults()->set_step_size(0.5f);
  EXPECT_EQ(registry.ServeAgain(other), nullptr);
  other = manifest;
  other.set_weights_sha256(std::string(64, '0'));
  EXPECT_EQ(registry.ServeAgain(other), nullptr);
}

TEST(ModelRegistryTest, ARemovedModelIsNotFoundButStaysHeld) {
  ModelRegistry registry;
  ASSERT_TRUE(registry.Add(Model("hopper")).ok());
  const auto held = registry.Remove("hopper");
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(ReasonName(registry.Find("hopper").status()), "MODEL_UNKNOWN");
  EXPECT_EQ(ReasonName(registry.Remove("hopper").status()), "MODEL_UNKNOWN");
  EXPECT_EQ(registry.FreeUnused(), 0u);
  EXPECT_EQ((*held)->name(), "hopper");
  EXPECT_TRUE(registry.Add(Model("hopper")).ok());
}

TEST(ModelRegistryTest, GenerationsInMemoryAreBounded) {
  ModelRegistry::Options options;
  options.max_generations = 2;
  ModelRegistry registry(options);
  ASSERT_TRUE(registry.Add(Model("hopper", 1)).ok());
  auto held = registry.Find("hopper").value();
  EXPECT_TRUE(registry.CheckRoom().ok());
  registry.Serve(Model("hopper", 2));
  const absl::Status full = registry.CheckRoom();
  EXPECT_EQ(ReasonName(full), "MODELS_FULL");
  EXPECT_EQ(full.message(),
            "2 models are in memory, 1 of them replaced or unloaded but still "
            "used by sessions, expected fewer than 2");
  EXPECT_EQ(ReasonName(registry.Add(Model("ant"))), "MODELS_FULL");
  held.reset();
  registry.FreeUnused();
  EXPECT_TRUE(registry.Add(Model("ant")).ok());
}

TEST(LoadedModelTest, AWarmUpMeasuresTheFrozenDecisionAndOneStep) {
  const LoadedModel cold = Model("hopper");
  const auto model = WarmUp(cold.bundle, cold.engine);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_GT(model->frozen_time, absl::ZeroDuration());
  EXPECT_LT(model->frozen_time, absl::Seconds(1));
  const auto& engine = static_cast<const FakeEngine&>(*cold.engine);
  EXPECT_EQ(engine.steps(), 6);  // All other decisions were frozen.
  // A step's time is proportional to its number of imagined transitions.
  AdaptationSettings settings = model->bundle->defaults();
  const absl::Duration step = model->StepTime(settings);
  EXPECT_GT(step, absl::ZeroDuration());
  settings.horizon *= 2;
  EXPECT_EQ(model->StepTime(settings), 2 * step);
  EXPECT_EQ(engine.alive(), 0);
}

}  // namespace
}  // namespace foresight
