// The fixture for tests of decisions: a DecisionMaker on the fake engine.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "models/bundle/random_bundle.h"
#include "proto/adaptation.pb.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/session_keeper.h"
#include "server/decisions/session_operations.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/scheduling/scheduler.h"
#include "server/scheduling/timer.h"
#include "server/sessions/session_store.h"
#include "tests/support/fake_engine.h"

namespace foresight {

// Much longer than any of this takes: only a hang reaches it.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// It serves one model, with S = 3 and A = 2.
class MakerTest : public ::testing::Test {
 protected:
  static constexpr int kThreads = 2;

  MakerTest() {
    RandomBundleOptions options;
    options.observation_size = 3;
    EXPECT_TRUE(models_
                    .Add({std::make_shared<const Bundle>(RandomBundle(options)),
                          engine_})
                    .ok());
  }
  ~MakerTest() override {
    engine_->Release();
    EXPECT_TRUE(maker_.AwaitIdle(kPatience));
    scheduler_.reset();
  }

  static Scheduler::Options SchedulerOptions() {
    Scheduler::Options options;
    options.queue.lanes = kThreads;
    options.queue.max_size = 3;
    return options;
  }

  void Open(const std::string& id, uint32_t steps = 1,
            v1::Mode mode = v1::PERSIST) {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    request.set_seed(7);
    request.mutable_settings()->set_steps(steps);
    request.mutable_settings()->set_mode(mode);
    ASSERT_TRUE(operations_.Open(request).ok());
  }

  static v1::ActRequest Request(const std::string& id, float observation,
                                std::optional<uint64_t> index = {}) {
    v1::ActRequest request;
    request.set_session_id(id);
    for (int i = 0; i < 3; ++i) request.add_observation(observation);
    if (index) request.set_decision_index(*index);
    return request;
  }

  absl::Status Close(const std::string& id) {
    v1::CloseSessionRequest request;
    request.set_session_id(id);
    return operations_.Close(request);
  }

  const std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>(2);
  Metrics metrics_{"test"};
  ModelRegistry models_;
  const SessionKeeper keeper_{{}, nullptr};
  SessionStore sessions_{{10}};
  std::unique_ptr<Scheduler> scheduler_ =
      std::make_unique<Scheduler>(SchedulerOptions());
  Timer timer_;
  DecisionMaker maker_{
      {},
      {},
      {&models_, &sessions_, &keeper_, scheduler_.get(), &timer_, &metrics_}};
  SessionOperations operations_{{},         {},       &models_,
                                &sessions_, &keeper_, &metrics_};
};

}  // namespace foresight
