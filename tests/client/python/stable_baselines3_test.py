"""Stable-Baselines3's evaluate_policy takes a policy as it takes its own models.

Skipped without stable-baselines3, which brings PyTorch along.
"""

import sys
import unittest

try:
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import DummyVecEnv
except ImportError:
    sys.exit(77)

from support.served import ServedTest
from support.walk import Walk


class EvaluatePolicyTest(ServedTest):
    def test_one_environment(self):
        with self.server.policy(seed=1, horizon=1) as policy:
            mean, deviation = evaluate_policy(policy, Walk(3), n_eval_episodes=4)
        self.assertEqual((mean, deviation), (6, 0))

    def test_several_environments(self):
        envs = DummyVecEnv([lambda: Walk(2), lambda: Walk(3)])
        with self.server.vector_policy(2, seed=1, horizon=1) as policy:
            returns, lengths = evaluate_policy(
                policy, envs, n_eval_episodes=4, return_episode_rewards=True
            )
        self.assertEqual(sorted(returns), [3, 3, 6, 6])
        self.assertEqual(sorted(lengths), [2, 2, 3, 3])

    def test_the_policy_begins_anew_with_each_episode(self):
        indices = []
        with self.server.policy(seed=1, horizon=1) as policy:
            evaluate_policy(
                policy,
                Walk(3),
                n_eval_episodes=2,
                callback=lambda *_: indices.append(policy.last.index),
            )
        self.assertEqual(indices, [0, 1, 2, 0, 1, 2])


if __name__ == "__main__":
    unittest.main()
