"""Vector policies of the real server, over gymnasium's vector environments."""

import pathlib
import subprocess
import sys
import unittest

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import foresight
from support.served import ACTION_SIZE, OBSERVATION_SIZE, PATIENCE_S, ServedTest
from support.walk import Walk

BOTH_MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


# The connection opens after the fork, although `connect` comes before it.
FORKING = """
import sys, foresight
from gymnasium.vector import AsyncVectorEnv
from support.walk import Walk
with foresight.connect(sys.argv[1]) as server:
    envs = AsyncVectorEnv([Walk, Walk], context="fork")
    with server.vector_policy(envs) as policy:
        observations, _ = envs.reset(seed=1)
        for _ in range(3):
            observations, *_ = envs.step(policy(observations))
        print([decision.index for decision in policy.last])
    envs.close()
"""


def walks(mode, *steps):
    return SyncVectorEnv([lambda n=n: Walk(n) for n in steps], autoreset_mode=mode)


class VectorPolicyTest(ServedTest):
    def test_each_environment_has_a_policy_of_its_own(self):
        observations = np.random.default_rng(1).normal(size=(2, 3, OBSERVATION_SIZE))
        with self.server.vector_policy(3, seed=5) as policy:
            self.assertEqual(policy.seeds, [5, 6, 7])
            together = [policy(step) for step in observations]
            self.assertEqual([decision.index for decision in policy.last], [1, 1, 1])
        self.assertEqual(together[0].shape, (3, ACTION_SIZE))
        for i in range(3):
            with self.server.policy(seed=5 + i) as policy:
                for step in range(2):
                    alone = policy(observations[step, i])
                    np.testing.assert_array_equal(together[step][i], alone)

    def test_reset_takes_a_mask(self):
        observations = np.ones((2, OBSERVATION_SIZE))
        with self.server.vector_policy(2, seed=5) as policy:
            first = policy(observations)
            policy.reset([True, False])
            again = policy(observations)
            np.testing.assert_array_equal(again[0], first[0])
            self.assertNotEqual(again[1].tolist(), first[1].tolist())
            self.assertEqual([decision.index for decision in policy.last], [0, 1])
            drift = policy.last[1].drift
            policy.reset(keep=True, seed=9)
            self.assertEqual(policy.seeds, [9, 10])
            policy(observations)
            self.assertGreater(policy.last[1].drift, drift)
            with self.assertRaisesRegex(foresight.InvalidArgument, "mask"):
                policy.reset([True])

    def test_sessions_begin_anew_with_their_episodes_in_both_modes(self):
        for mode in BOTH_MODES:
            with self.subTest(mode):
                envs = walks(mode, 2, 3)
                with self.server.vector_policy(envs, seed=1) as policy:
                    indices = self.walk(envs, policy, steps=6)
                if mode is AutoresetMode.SAME_STEP:
                    expected = [[0, 1, 0, 1, 0, 1], [0, 1, 2, 0, 1, 2]]
                else:  # The step after an end only resets: no decision is made.
                    expected = [[0, 1, None, 0, 1, None], [0, 1, 2, None, 0, 1]]
                self.assertEqual(indices, expected)

    def walk(self, envs, policy, steps):
        """The decision that each environment got in each step; None: no decision."""
        indices = [[] for _ in range(envs.num_envs)]
        observations, _ = envs.reset(seed=1)
        for _ in range(steps):
            skips = policy.skips
            actions = policy(observations)
            for i, decision in enumerate(policy.last):
                indices[i].append(None if skips[i] else decision.index)
                if skips[i]:
                    self.assertEqual(actions[i].tolist(), [0] * ACTION_SIZE)
            observations, _, terminated, truncated, _ = envs.step(actions)
            policy.ended(terminated | truncated)
        return indices

    def test_environments_in_processes_of_their_own(self):
        # In a fresh process: gRPC may crash one that forks after it made calls.
        run = subprocess.run(
            [sys.executable, "-c", FORKING, self.address],
            capture_output=True,
            cwd=pathlib.Path(__file__).parent,
            text=True,
            timeout=PATIENCE_S,
        )
        self.assertEqual(run.stdout, "[2, 2]\n", run.stderr)

    def test_frozen_policies_take_no_steps(self):
        observations = np.zeros((2, OBSERVATION_SIZE))
        with self.server.vector_policy(2) as policy, policy.frozen() as frozen:
            frozen(observations)
            self.assertEqual([decision.steps for decision in frozen.last], [0, 0])

    def test_predict_resets_where_an_episode_starts(self):
        observations = np.ones((2, OBSERVATION_SIZE))
        with self.server.vector_policy(2, seed=5) as policy:
            starts = np.array([True, True])
            first, state = policy.predict(observations, "state", starts, True)
            self.assertEqual(state, "state")
            second, _ = policy.predict(observations, None, np.array([False, True]))
            self.assertEqual([decision.index for decision in policy.last], [1, 0])
            np.testing.assert_array_equal(second[1], first[1])

    def test_one_wrong_observation_is_told_and_the_others_go_on(self):
        observations = np.zeros((2, OBSERVATION_SIZE))
        with self.server.vector_policy(2) as policy:
            with self.assertRaises(foresight.InvalidArgument) as caught:
                policy(np.where([[True], [False]], observations, np.nan))
            self.assertEqual(caught.exception.reason, "OBSERVATION_INVALID")
            policy(observations)
            self.assertEqual([decision.index for decision in policy.last], [1, 0])

    def test_wrong_arguments_are_refused(self):
        with self.assertRaises(foresight.InvalidArgument):
            self.server.vector_policy(0)
        with self.server.vector_policy(2) as policy:
            with self.assertRaisesRegex(foresight.InvalidArgument, r"\(2, 17\)"):
                policy(np.zeros(OBSERVATION_SIZE))
            with self.assertRaises(foresight.FailedPrecondition):
                _ = policy.last


class PlayVectorTest(ServedTest):
    def test_episodes_are_shared_out_in_both_modes(self):
        for mode in BOTH_MODES:
            with self.subTest(mode):
                envs = walks(mode, 2, 5)
                with self.server.vector_policy(envs, horizon=1) as policy:
                    episodes = list(foresight.play_vector(envs, policy, 4, seed=3))
                steps = [episode.steps for episode in episodes]
                self.assertEqual(sorted(steps), [2, 2, 5, 5])
                for episode in episodes:
                    expected = sum(range(1, episode.steps + 1))
                    self.assertEqual(episode.episode_return, expected)
                    self.assertEqual(len(episode.latencies), episode.steps)
                    self.assertTrue(episode.terminated)
                seeds = [episode.seed for episode in episodes]
                self.assertEqual(sorted(filter(None, seeds)), [3, 4])

    def test_other_environments_are_refused(self):
        envs = gymnasium.make_vec("CartPole-v1", num_envs=2)
        self.addCleanup(envs.close)
        with self.server.vector_policy(envs) as policy:
            with self.assertRaisesRegex(foresight.FailedPrecondition, "another"):
                next(foresight.play_vector(envs, policy))


if __name__ == "__main__":
    unittest.main()
