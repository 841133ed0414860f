"""Policies of the real server."""

import concurrent.futures
import unittest

import grpc
import numpy as np

import foresight
from support.served import ACTION_SIZE, OBSERVATION_SIZE, ServedTest

ZEROS = np.zeros(OBSERVATION_SIZE)
ONES = np.ones(OBSERVATION_SIZE)


class PolicyTest(ServedTest):
    def test_four_lines_give_an_action(self):
        with foresight.connect(self.address) as server, server.policy(seed=1) as policy:
            action = policy(ZEROS)
        self.assertEqual(action.shape, (ACTION_SIZE,))
        self.assertEqual(action.dtype, np.float32)
        self.assertTrue((np.abs(action) <= 1).all())

    def test_models_are_listed(self):
        (model,) = self.server.models()
        self.assertEqual(model.name, "halfcheetah-medium-replay")
        self.assertEqual(model.observation_size, OBSERVATION_SIZE)
        self.assertEqual(model.defaults["mode"], "persist")
        self.assertEqual(model.defaults["step_size"], 3e-05)

    def test_lists_and_float64_mean_the_same_as_float32(self):
        actions = []
        for observation in (ONES, ONES.astype(np.float32), ONES.tolist()):
            with self.server.policy(seed=1) as policy:
                actions.append(policy(observation).tolist())
        self.assertEqual(actions, [actions[0]] * 3)

    def test_last_says_how_the_decision_came_about(self):
        with self.server.policy(seed=1, plan_length=3, objective_after=True) as policy:
            action = policy(ZEROS)
            last = policy.last
        self.assertEqual(last.outcome, foresight.Outcome.ADAPTED)
        self.assertEqual((last.steps, last.steps_requested, last.index), (1, 1, 0))
        self.assertGreater(last.drift, 0)
        self.assertNotEqual(last.objective, 0)
        self.assertNotEqual(last.objective_after, last.objective)
        self.assertGreaterEqual(last.latency, last.queue_time + last.adapt_time)
        self.assertEqual(last.plan.shape, (3, ACTION_SIZE))
        np.testing.assert_array_equal(action, last.action)

    def test_settings_and_seed_arrive(self):
        with self.server.policy(seed=7, horizon=3, mode="reset") as policy:
            self.assertEqual(policy.seed, 7)
            self.assertEqual(policy.settings["horizon"], 3)
            self.assertEqual(policy.settings["mode"], "reset")
            self.assertEqual(policy.settings["particles"], 10)  # The model's.

    def test_seeds_of_numpy_are_seeds(self):
        seed = np.int64(7)
        with self.server.policy(seed=seed) as policy:
            self.assertEqual(policy.seed, 7)
            policy.reset(seed=seed + 1)
            self.assertEqual(policy.seed, 8)
        with self.server.vector_policy(2, seed=seed) as policy:
            self.assertEqual(policy.seeds, [7, 8])
            policy.reset(seed=seed + 1)
            self.assertEqual(policy.seeds, [8, 9])

    def test_a_budget_too_short_for_a_step_gives_the_frozen_action(self):
        with self.server.policy(seed=1) as policy, policy.frozen() as frozen:
            expected = frozen(ZEROS)
        budget = {"budget": 0.02, "particles": 400}
        with self.server.policy(seed=1, **budget) as policy:
            action = policy.act(ZEROS, patient=True)
            self.assertEqual(policy.last.outcome, foresight.Outcome.FROZEN)
        np.testing.assert_array_equal(action, expected)

    def test_frozen_takes_no_step_and_leaves_the_policy_alone(self):
        with self.server.policy(seed=1, horizon=3) as policy:
            with policy.frozen() as frozen:
                frozen(ZEROS)
                self.assertEqual(frozen.last.outcome, foresight.Outcome.FROZEN)
                self.assertEqual(frozen.last.drift, 0)
                self.assertIsNone(frozen.last.objective)
                self.assertEqual(frozen.settings["horizon"], 3)
            policy(ZEROS)
            self.assertEqual(policy.last.index, 0)

    def test_reset_begins_again_and_keep_does_not(self):
        with self.server.policy(seed=1) as policy:
            first, second = policy(ZEROS), policy(ZEROS)
            self.assertNotEqual(first.tolist(), second.tolist())
            policy.reset()
            np.testing.assert_array_equal(policy(ZEROS), first)
            drift = policy.last.drift
            policy.reset(keep=True)
            policy(ZEROS)
            self.assertEqual(policy.last.index, 0)
            self.assertGreater(policy.last.drift, drift)
            policy.reset(seed=2)
            self.assertEqual(policy.seed, 2)
            self.assertNotEqual(policy(ZEROS).tolist(), first.tolist())

    def test_closing_frees_the_session(self):
        policy = self.server.policy()
        policy.close()
        with self.assertRaises(foresight.NotFound) as caught:
            policy(ZEROS)
        self.assertEqual(caught.exception.reason, "SESSION_UNKNOWN")

    def test_predict_keeps_the_batch_and_resets_where_an_episode_starts(self):
        with self.server.policy(seed=1) as policy:
            start, later = np.array([True]), np.array([False])
            first, state = policy.predict(ZEROS[None], "state", start, True)
            self.assertEqual(first.shape, (1, ACTION_SIZE))
            self.assertEqual(state, "state")
            second, _ = policy.predict(ZEROS[None], None, later)
            self.assertNotEqual(second.tolist(), first.tolist())
            again, _ = policy.predict(ZEROS, None, start)
            np.testing.assert_array_equal(again, first[0])
            with self.assertRaisesRegex(foresight.InvalidArgument, "vector_policy"):
                policy.predict(np.zeros((2, OBSERVATION_SIZE)))


class PolicyErrorTest(ServedTest):
    def assert_raises(self, kind, reason, message, call, *args, **options):
        with self.assertRaisesRegex(kind, message) as caught:
            call(*args, **options)
        self.assertIsInstance(caught.exception, foresight.Error)
        self.assertEqual(caught.exception.reason, reason)

    def test_the_servers_reason_arrives(self):
        self.assert_raises(
            foresight.InvalidArgument, "SETTINGS_INVALID",
            r"settings.horizon is 100, expected 1..64 \[SETTINGS_INVALID\]",
            self.server.policy, horizon=100)  # fmt: skip
        self.assert_raises(
            foresight.NotFound,
            "MODEL_UNKNOWN",
            "nothing",
            self.server.policy,
            "nothing",
        )
        with self.server.policy() as policy:
            self.assert_raises(
                foresight.InvalidArgument, "OBSERVATION_INVALID",
                r"observation\[0\] is nan", policy, ZEROS * np.nan)  # fmt: skip
            policy(ZEROS)  # Goes on.

    def test_wrong_arguments_are_refused_without_a_call(self):
        with self.server.policy() as policy:
            for wrong, message in (
                (np.zeros(3), r"shape \(3,\), expected \(17,\)"),
                (np.zeros((1, OBSERVATION_SIZE)), r"shape \(1, 17\)"),
                ("text", r"a str .* expected an array of shape \(17,\)"),
                ([None, "a"], "a list"),
                ((ZEROS, {}), r"env.reset\(\) returns"),
            ):
                self.assert_raises(
                    ValueError, "OBSERVATION_INVALID", message, policy, wrong
                )
            with self.assertRaisesRegex(foresight.FailedPrecondition, "no decision"):
                _ = policy.last
        with self.assertRaisesRegex(TypeError, "no setting 'horizn'.*horizon"):
            self.server.policy(horizn=3)
        for name, value in (
            *(("budget", 0.0), ("budget", float("nan")), ("timeout", -1.0)),
            *(("idle_timeout", -1.0), ("horizon", -1), ("mode", "other")),
            *(("seed", 1.5), ("budget", "20ms")),
        ):
            options = {name: value}
            self.assert_raises(
                foresight.InvalidArgument, "", name, self.server.policy, **options
            )


class ConnectionTest(unittest.TestCase):
    def test_nobody_there_is_unavailable(self):
        server = foresight.connect("127.0.0.1:1", connect_timeout=0.2)
        with self.assertRaisesRegex(foresight.Unavailable, "127.0.0.1:1.*refused"):
            server.models()

    def test_another_service_is_told_from_a_foresight_server(self):
        other = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        address = f"127.0.0.1:{other.add_insecure_port('127.0.0.1:0')}"
        other.start()
        self.addCleanup(lambda: other.stop(None).wait())
        message = f"{address} is not a foresight-server's address"
        with foresight.connect(address) as server:
            with self.assertRaisesRegex(foresight.Error, message):
                server.policy()

    def test_addresses_are_checked_at_once(self):
        for wrong in (
            *("", "127.0.0.1", "127.0.0.1:", "127.0.0.1:port", ":50051", 50051),
            *("http://127.0.0.1:50051", "a:50051,b:50051", "a:50051/"),
        ):
            with self.assertRaisesRegex(foresight.InvalidArgument, "host:port"):
                foresight.connect(wrong)
        for right in (
            *("localhost:1", "[::1]:1", "dns:///robot_1.example.org:1", "dns:host:1"),
            *("ipv4:127.0.0.1:1", "ipv6:[::1]:1", "unix:/tmp/socket"),
        ):
            foresight.connect(right)

    def test_wrong_options_are_refused(self):
        for options in ({"timeout": 0}, {"connect_timeout": -1}):
            with self.assertRaises(foresight.InvalidArgument):
                foresight.connect(**options)
        with self.assertRaises(foresight.InvalidArgument):
            foresight.Retry(max_attempts=0)


if __name__ == "__main__":
    unittest.main()
