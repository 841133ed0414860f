#include "server/decisions/model_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "models/bundle/random_bundle.h"
#include "server/support/error.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class ModelOperationsTest : public ::testing::Test {
 protected:
  std::string Save(const std::string& folder, uint64_t seed,
                   RandomBundleOptions bundle = {}) {
    bundle.seed = seed;
    const Bundle made = RandomBundle(bundle);
    EXPECT_TRUE(made.Save(folder_.path() / folder).ok());
    return made.manifest().weights_sha256();
  }
  absl::StatusOr<v1::Model> Load(const std::string& folder) {
    v1::LoadModelRequest request;
    request.set_folder(folder);
    std::promise<absl::StatusOr<v1::Model>> loaded;
    operations_.Load(request, [&](auto model) { loaded.set_value(model); });
    return loaded.get_future().get();
  }
  std::string Served() {
    const auto model = models_.Find("random");
    return model.ok() ? (*model)->bundle->manifest().weights_sha256() : "";
  }

  static ModelRegistry::Options Bound() {
    ModelRegistry::Options options;
    options.max_generations = 2;
    return options;
  }

  const TemporaryFolder folder_;
  std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>(2);
  std::atomic<int> engines_made_ = 0;
  ModelRegistry models_{Bound()};
  SessionStore sessions_{SessionStore::Options()};
  Metrics metrics_{"test"};
  ModelOperations operations_{folder_.path().string(),
                              {[this](auto) {
                                 ++engines_made_;
                                 return engine_;
                               },
                               &models_, &sessions_, &metrics_}};
};

TEST_F(ModelOperationsTest, ALoadedModelTakesThePlaceOfTheServedOne) {
  const std::string first = Save("v1", 1), second = Save("v2", 2);
  ASSERT_TRUE(operations_.Add(folder_.path() / "v1").ok());
  EXPECT_EQ(Served(), first);
  const auto model = Load("v2");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->weights_sha256(), second);
  EXPECT_EQ(Served(), second);
}

TEST_F(ModelOperationsTest, WeightsInMemoryAreNotMadeAgain) {
  const std::string first = Save("v1", 1);
  Save("v2", 2);
  ASSERT_TRUE(operations_.Add(folder_.path() / "v1").ok());
  const auto held = models_.Find("random").value();
  ASSERT_TRUE(Load("v1").ok());
  EXPECT_EQ(engines_made_, 1);
  ASSERT_TRUE(Load("v2").ok());
  EXPECT_EQ(engines_made_, 2);
  ASSERT_TRUE(Load("v1").ok());  // Although there is no room for a third.
  EXPECT_EQ(engines_made_, 2);
  EXPECT_EQ(models_.Find("random").value(), held);
}

TEST_F(ModelOperationsTest, ARefusedBundleChangesNothing) {
  RandomBundleOptions wide;
  wide.observation_size = 5;
  const std::string first = Save("v1", 1);
  Save("wide", 2, wide);
  Save("cut", 3);
  std::filesystem::resize_file(folder_.path() / "cut/bundle.json", 10);
  ASSERT_TRUE(operations_.Add(folder_.path() / "v1").ok());
  EXPECT_THAT(std::string(Load("wide").status().message()),
              HasSubstr("observations of 5 values"));
  EXPECT_THAT(std::string(Load("cut").status().message()),
              HasSubstr("bundle.json: "));
  for (const char* folder : {"wide", "cut", "absent", "..", ""}) {
    EXPECT_EQ(ReasonName(Load(folder).status()), "BUNDLE_INVALID") << folder;
  }
  EXPECT_EQ(Served(), first);
  EXPECT_EQ(models_.generations(), 1u);
  EXPECT_EQ(engines_made_, 1);
}

TEST_F(ModelOperationsTest, AnUnloadedNameMayComeBackInAnotherShape) {
  RandomBundleOptions wide;
  wide.observation_size = 5;
  Save("v1", 1);
  const std::string other = Save("wide", 2, wide);
  ASSERT_TRUE(operations_.Add(folder_.path() / "v1").ok());
  v1::UnloadModelRequest request;
  request.set_name("random");
  ASSERT_TRUE(operations_.Unload(request).ok());
  EXPECT_EQ(ReasonName(operations_.Unload(request).status()), "MODEL_UNKNOWN");
  ASSERT_TRUE(Load("wide").ok());
  EXPECT_EQ(Served(), other);
}

TEST_F(ModelOperationsTest, ATooLargeNumberOfGenerationsIsRefused) {
  Save("v1", 1);
  const std::string second = Save("v2", 2);
  Save("v3", 3);
  ASSERT_TRUE(operations_.Add(folder_.path() / "v1").ok());
  auto held = models_.Find("random").value();
  ASSERT_TRUE(Load("v2").ok());
  EXPECT_EQ(ReasonName(Load("v3").status()), "MODELS_FULL");
  EXPECT_EQ(Served(), second);
  held.reset();
  EXPECT_TRUE(Load("v3").ok());
}

TEST_F(ModelOperationsTest, OnceStoppedLoadsAreAnsweredDraining) {
  Save("v1", 1);
  engine_->Hold();
  v1::LoadModelRequest request;
  request.set_folder("v1");
  std::promise<absl::Status> running, waiting;
  operations_.Load(
      request, [&](const auto& model) { running.set_value(model.status()); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  operations_.Load(
      request, [&](const auto& model) { waiting.set_value(model.status()); });
  auto stop = std::async(std::launch::async, [&] { operations_.Stop(); });
  // Until Stop has begun, loads wait behind the others.
  std::atomic<bool> stopping = false;
  while (!stopping) {
    operations_.Load(request, [&](const auto& model) {
      if (ReasonName(model.status()) == "DRAINING") stopping = true;
    });
  }
  engine_->Release();
  stop.get();
  EXPECT_TRUE(running.get_future().get().ok());
  EXPECT_EQ(ReasonName(waiting.get_future().get()), "DRAINING");
  EXPECT_EQ(ReasonName(Load("v1").status()), "DRAINING");
}

TEST_F(ModelOperationsTest, TooManyWaitingLoadsAreRefused) {
  Save("v1", 1);
  engine_->Hold();
  v1::LoadModelRequest request;
  request.set_folder("v1");
  std::atomic<int> loaded = 0, overloaded = 0;
  const auto count = [&](const absl::StatusOr<v1::Model>& model) {
    model.ok() ? ++loaded : ++overloaded;
    EXPECT_EQ(ReasonName(model.status()), model.ok() ? "" : "OVERLOADED");
  };
  operations_.Load(request, count);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  for (int i = 0; i < 20; ++i) operations_.Load(request, count);
  EXPECT_EQ(overloaded, 4);
  engine_->Release();
  while (true) {  // After all others, as soon as there is a place.
    std::promise<absl::Status> ended;
    operations_.Load(
        request, [&](const auto& model) { ended.set_value(model.status()); });
    if (ended.get_future().get().ok()) break;
  }
  EXPECT_EQ(loaded, 17);
}

}  // namespace
}  // namespace foresight
