#include "server/decisions/decision_lane.h"

#include <gtest/gtest.h>

#include <map>

#include "models/bundle/random_bundle.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/session_operations.h"
#include "tests/support/fake_engine.h"

namespace foresight {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(10);

// One lane without a thread: the test advances the lane and the time.
class DecisionLaneTest : public ::testing::Test {
 protected:
  DecisionLaneTest() {
    LoadedModel model;
    model.bundle = std::make_shared<const Bundle>(RandomBundle());
    model.engine = engine_;
    model.default_step_time = kStep;
    model.id = 1;
    observation_size_ = model.bundle->observation_size();
    EXPECT_TRUE(models_.Add(std::move(model)).ok());
  }
  ~DecisionLaneTest() override { scheduler_.reset(); }

  Scheduler::Options SchedulerOptions() const {
    Scheduler::Options options;
    options.clock = clock_;
    options.threads = false;
    return options;
  }

  // Asks for a decision of `steps` steps in a new session of the owner `id`.
  void Ask(const std::string& id, uint32_t steps, absl::Duration time_left) {
    v1::OpenSessionRequest open;
    open.set_session_id(id);
    open.set_seed(7);
    open.mutable_settings()->set_steps(steps);
    ASSERT_TRUE(operations_.Open(open).ok());
    v1::ActRequest request;
    request.set_session_id(id);
    request.mutable_observation()->Resize(observation_size_, 0.5f);
    maker_.Start(std::make_shared<DecisionCall>(
        request, Caller{"", id}, now_, now_ + time_left,
        [this, id](const DecisionCall::Answer& answer) {
          EXPECT_TRUE(answer.ok()) << answer.status();
          if (answer.ok()) reports_[id] = (*answer)->report();
        }));
  }

  // Lets the lane take the next waiting decision.
  void Begin() {
    std::optional<Scheduler::Turn> turn = scheduler_->Take();
    ASSERT_TRUE(turn.has_value());
    ASSERT_TRUE(maker_.Ready(*turn));
    lane().Begin(*std::move(turn));
  }
  // Prepare must have returned true before.
  void FinishStep() {
    lane().Step();
    now_ += kStep;
    lane().Complete(kStep);
  }
  // Runs until the lane has nothing left to do.
  void RunToTheEnd() {
    while (lane().Prepare()) FinishStep();
  }

  DecisionLane& lane() { return maker_.lane(0); }
  bool answered(const std::string& id) const { return reports_.count(id) > 0; }
  uint32_t steps_done(const std::string& id) {
    return reports_[id].steps_done();
  }

  absl::Time now_ = absl::UnixEpoch();
  const Clock clock_ = [this] { return now_; };
  const std::shared_ptr<FakeEngine> engine_ =
      std::make_shared<FakeEngine>(3, /*batch_limit=*/1, clock_);
  int observation_size_ = 0;
  std::map<std::string, v1::AdaptationReport> reports_;

  Metrics metrics_{"test"};
  ModelRegistry models_;
  SessionStore sessions_{{10}};
  const SessionKeeper keeper_{{}, nullptr};
  Timer timer_{clock_, Timer::NoThread()};
  std::unique_ptr<Scheduler> scheduler_ =
      std::make_unique<Scheduler>(SchedulerOptions());
  DecisionMaker maker_{
      {},
      {},
      {&models_, &sessions_, &keeper_, scheduler_.get(), &timer_, &metrics_}};
  SessionOperations operations_{{},       {},        &models_, &sessions_,
                                &keeper_, &metrics_, clock_};
};

TEST_F(DecisionLaneTest, AnUrgentDecisionGoesFirstAndTheLaneResumes) {
  Ask("long", 100, absl::Seconds(5));
  Begin();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(lane().Prepare());
    FinishStep();
  }
  Ask("urgent", 1, absl::Milliseconds(50));
  ASSERT_TRUE(lane().Prepare());
  FinishStep();
  ASSERT_TRUE(lane().Prepare());
  EXPECT_TRUE(answered("urgent"));
  EXPECT_EQ(steps_done("urgent"), 1u);
  EXPECT_FALSE(answered("long"));
  FinishStep();
  RunToTheEnd();
  EXPECT_EQ(steps_done("long"), 100u);
  EXPECT_EQ(engine_->steps(), 101);  // No step was made twice.
}

TEST_F(DecisionLaneTest, ADecisionThatCanWaitDoesNotGoFirst) {
  Ask("long", 10, absl::Seconds(5));
  Begin();
  ASSERT_TRUE(lane().Prepare());
  FinishStep();
  Ask("patient", 1, absl::Seconds(5));
  RunToTheEnd();
  EXPECT_EQ(steps_done("long"), 10u);
  EXPECT_FALSE(answered("patient"));
}

TEST_F(DecisionLaneTest, ADecisionWhoseStepsHaveNotBegunIsNotSetAside) {
  Ask("long", 100, absl::Seconds(5));
  Begin();
  Ask("urgent", 1, absl::Milliseconds(50));
  ASSERT_TRUE(lane().Prepare());
  FinishStep();
  EXPECT_EQ(scheduler_->size(), 1u);  // "urgent" still waits.
}

// "first" is set aside for "second", which is set aside for "third".
TEST_F(DecisionLaneTest, AnUrgentDecisionMayBeSetAsideItself) {
  Ask("first", 300, absl::Seconds(9));
  Begin();
  ASSERT_TRUE(lane().Prepare());
  for (int i = 0; i < 30; ++i) {
    FinishStep();
    ASSERT_TRUE(lane().Prepare());
  }
  FinishStep();
  Ask("second", 40, absl::Seconds(2));
  ASSERT_TRUE(lane().Prepare());
  FinishStep();
  Ask("third", 2, absl::Milliseconds(50));
  ASSERT_TRUE(lane().Prepare());
  FinishStep();
  ASSERT_TRUE(lane().Prepare());
  FinishStep();
  ASSERT_TRUE(lane().Prepare());
  EXPECT_TRUE(answered("third"));
  EXPECT_FALSE(answered("second"));
  FinishStep();
  RunToTheEnd();
  EXPECT_EQ(steps_done("second"), 40u);
  EXPECT_EQ(steps_done("first"), 300u);
  EXPECT_EQ(engine_->steps(), 342);
}

TEST_F(DecisionLaneTest, ADecisionSetAsideIsAnsweredWhenItsTimeIsOver) {
  Ask("long", 1000, absl::Milliseconds(500));
  Begin();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(lane().Prepare());
    FinishStep();
  }
  // "long" has less time left than "urgent" takes.
  Ask("urgent", 40, absl::Milliseconds(900));
  while (!answered("long")) {
    ASSERT_TRUE(lane().Prepare());
    FinishStep();
  }
  EXPECT_EQ(reports_["long"].outcome(), v1::TRUNCATED);
  EXPECT_EQ(steps_done("long"), 20u);
  EXPECT_FALSE(answered("urgent"));
  RunToTheEnd();
  EXPECT_EQ(steps_done("urgent"), 40u);
}

}  // namespace
}  // namespace foresight
