"""Whole episodes on the real server."""

import itertools
import unittest

import gymnasium
import numpy as np

import foresight
from support.served import ServedTest
from support.walk import Walk


class PlayTest(ServedTest):
    def test_an_episode_is_counted(self):
        with self.server.policy(seed=1, horizon=1) as policy:
            (episode,) = foresight.play(Walk(3), policy, seed=9)
        self.assertEqual(episode.seed, 9)
        self.assertEqual(episode.episode_return, 6)
        self.assertEqual(episode.steps, 3)
        self.assertEqual(len(episode.latencies), 3)
        self.assertEqual(episode.outcomes, {foresight.Outcome.ADAPTED: 3})
        self.assertEqual(episode.steps_done_mean, 1)
        self.assertTrue(episode.terminated)

    def test_every_episode_starts_from_the_pretrained_policy(self):
        env = Walk(3)
        with self.server.policy(horizon=1) as policy:
            policy(np.zeros(17))
            for seed in (4, 4):
                list(foresight.play(env, policy, seed=seed))
            self.assertEqual(policy.seed, 4)
        np.testing.assert_array_equal(env.actions[:3], env.actions[3:])

    def test_later_episodes_use_the_next_seeds(self):
        with self.server.policy(horizon=1) as policy:
            episodes = list(foresight.play(Walk(1), policy, 3, seed=7))
            self.assertEqual([episode.seed for episode in episodes], [7, 8, 9])
            unseeded = list(foresight.play(Walk(1), policy, 2))
            self.assertEqual([episode.seed for episode in unseeded], [None, None])

    def test_episodes_end_at_the_first_of_the_limits(self):
        steps = itertools.count()
        with self.server.policy(horizon=1) as policy:
            options = {"max_steps": 2, "on_step": lambda: next(steps)}
            (cut,) = foresight.play(Walk(5), policy, **options)
            (truncated,) = foresight.play(Walk(2, terminates=False), policy)
        self.assertEqual((cut.steps, cut.terminated), (2, False))
        self.assertEqual((truncated.steps, truncated.terminated), (2, False))
        self.assertEqual(next(steps), 2)

    def test_other_environments_are_refused(self):
        env = gymnasium.make("CartPole-v1")
        self.addCleanup(env.close)
        with self.server.policy() as policy:
            with self.assertRaisesRegex(foresight.FailedPrecondition, "another"):
                next(foresight.play(env, policy))

    def test_actions_beyond_the_policys_are_refused(self):
        rescale = gymnasium.wrappers.RescaleAction
        env = rescale(Walk(1), -2, 2)
        with self.server.policy(horizon=1) as policy:
            message = r"from -2 to 2, expected -1 to 1; .*RescaleAction\(env, -1, 1\)"
            with self.assertRaisesRegex(foresight.FailedPrecondition, message):
                next(foresight.play(env, policy))
            next(foresight.play(rescale(env, -1, 1), policy))
            next(foresight.play(rescale(env, -0.4, 0.4), policy))  # Clips by itself.


if __name__ == "__main__":
    unittest.main()
