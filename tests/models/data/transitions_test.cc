#include "models/data/transitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Rows 0..1 end in a terminal state, 2..4 are cut off, 5..6 end with the file.
// s_i = i, a_i = 10 i, r_i = 100 i; the true next states, if stored, i + 0.5.
Dataset Example(bool with_next) {
  Dataset dataset;
  dataset.observation_size = 1;
  dataset.action_size = 1;
  for (int i = 0; i < 7; ++i) {
    dataset.observations.push_back(i);
    dataset.actions.push_back(10 * i);
    dataset.rewards.push_back(100 * i);
    if (with_next) dataset.next_observations.push_back(i + 0.5f);
  }
  dataset.episodes = {{0, 2, true}, {2, 5, false}, {5, 7, false}};
  return dataset;
}

TEST(DynamicsTransitions, LeaveOutRowsThatEndAnEpisode) {
  const Dataset dataset = Example(/*with_next=*/false);
  const Transitions rows = DynamicsTransitions(dataset, dataset.episodes);
  EXPECT_THAT(rows.states, ElementsAre(0, 2, 3, 5));
  EXPECT_THAT(rows.next_states, ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(rows.actions, ElementsAre(0, 20, 30, 50));
  EXPECT_THAT(rows.rewards, ElementsAre(0, 200, 300, 500));
}

TEST(DynamicsTransitions, UseStoredNextStatesOfEveryRow) {
  const Dataset dataset = Example(/*with_next=*/true);
  const Transitions rows = DynamicsTransitions(dataset, dataset.episodes);
  EXPECT_THAT(rows.states, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(rows.next_states,
              ElementsAre(0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f));
}

TEST(CriticTransitions, KeepTerminalsAndDropCutOffRows) {
  const Dataset dataset = Example(/*with_next=*/false);
  const Transitions rows = CriticTransitions(dataset, dataset.episodes);
  EXPECT_THAT(rows.states, ElementsAre(0, 1, 2, 3, 5));
  EXPECT_THAT(rows.done, ElementsAre(0, 1, 0, 0, 0));
  EXPECT_THAT(rows.next_states, ElementsAre(1, 0, 3, 4, 6));
  EXPECT_THAT(rows.next_actions, ElementsAre(10, 0, 30, 40, 60));
  EXPECT_THAT(rows.next_action_known, ElementsAre(1, 0, 1, 1, 1));
}

TEST(CriticTransitions, KeepCutOffRowsWithStoredNextStatesAsNotDone) {
  const Dataset dataset = Example(/*with_next=*/true);
  const Transitions rows = CriticTransitions(dataset, dataset.episodes);
  EXPECT_THAT(rows.states, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(rows.done, ElementsAre(0, 1, 0, 0, 0, 0, 0));
  EXPECT_THAT(rows.next_action_known, ElementsAre(1, 0, 1, 1, 0, 1, 0));
  // The first action of the next episode must not appear.
  EXPECT_THAT(rows.next_actions, ElementsAre(10, 0, 30, 40, 0, 60, 0));
}

TEST(RewardTransitions, ContainAllRows) {
  const Dataset dataset = Example(/*with_next=*/false);
  const Transitions rows =
      RewardTransitions(dataset, {dataset.episodes[0], dataset.episodes[2]});
  EXPECT_THAT(rows.states, ElementsAre(0, 1, 5, 6));
  EXPECT_THAT(rows.rewards, ElementsAre(0, 100, 500, 600));
}

TEST(RolloutStarts, StayInsideOneEpisode) {
  const std::vector<Episode> episodes = {{0, 2, true}, {2, 6, false}};
  EXPECT_THAT(RolloutStarts(episodes, 1, 100), ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(RolloutStarts(episodes, 3, 100), ElementsAre(2));
  EXPECT_THAT(RolloutStarts(episodes, 4, 100), IsEmpty());
}

TEST(RolloutStarts, AreSpreadOverAllThereAre) {
  EXPECT_THAT(RolloutStarts({{0, 1001, false}}, 1, 4),
              ElementsAre(0, 250, 500, 750));
}

}  // namespace
}  // namespace foresight
