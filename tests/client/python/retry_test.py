"""Calls that fail are tried again, and each decision is made once."""

import asyncio
import threading
import time
import unittest

import grpc

import foresight
import foresight.aio
from foresight.v1 import adaptation_pb2 as v1
from support.fake_server import EXHAUSTED, FakeAdaptation, Failure, serving

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE

QUICK = foresight.Retry(max_attempts=4, initial_backoff=0.001, max_backoff=0.01)


def draining():
    return Failure(UNAVAILABLE, "DRAINING")


def token_refused():
    return Failure(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


class RetryTest(unittest.TestCase):
    def setUp(self):
        self.fake = FakeAdaptation()
        address = self.enterContext(serving(self.fake))
        self.server = foresight.connect(address, retry=QUICK)
        self.addCleanup(self.server.close)

    def indices(self):
        return [request.decision_index for request in self.fake.asked]

    def test_a_passing_error_is_tried_again_under_the_same_index(self):
        with self.server.policy() as policy:
            policy([1, 0])
            self.fake.failures = [draining(), draining()]
            self.assertEqual(policy([2, 0]).tolist(), [2, 1])
        self.assertEqual(self.indices(), [0, 1, 1, 1])

    def test_a_decision_whose_answer_was_lost_is_made_once(self):
        with self.server.policy() as policy:
            self.fake.losses = [draining()]
            self.assertEqual(policy([1, 0]).tolist(), [1, 0])
            self.assertEqual(policy([2, 0]).tolist(), [2, 1])

    def test_after_a_lost_answer_the_newest_observation_is_decided_on(self):
        with self.server.policy() as policy:
            self.fake.losses = [Failure(grpc.StatusCode.INTERNAL, "INTERNAL")]
            with self.assertRaises(foresight.Error) as caught:
                policy([1, 0])
            self.assertEqual(caught.exception.code, grpc.StatusCode.INTERNAL)
            # Decision 0 was made for another observation; this is decision 1.
            self.assertEqual(policy([2, 0]).tolist(), [2, 1])
            self.assertEqual(policy.last.index, 1)

    def test_a_foreign_decision_is_not_taken_for_a_lost_one(self):
        with self.server.policy() as policy:
            policy([1, 0])
            self.fake.sessions["session-0"].next = 5  # Somebody else decided.
            for observation in ([2, 0], [3, 0]):
                with self.assertRaises(foresight.FailedPrecondition) as caught:
                    policy(observation)
                self.assertEqual(caught.exception.reason, "DECISION_CHANGED")

    def test_after_a_crash_the_policy_goes_on_from_what_the_server_kept(self):
        with self.server.policy() as policy:
            for step in range(3):
                policy([step, 0])
            self.fake.sessions["session-0"].next = 1  # Decisions 1 and 2 are lost.
            self.assertEqual(policy([8, 0]).tolist(), [8, 1])
            self.assertEqual(policy([9, 0]).tolist(), [9, 2])
            self.assertEqual(policy.lost_decisions, 2)

    def test_a_server_that_does_not_say_where_it_is_is_not_followed(self):
        skipped = Failure(grpc.StatusCode.FAILED_PRECONDITION, "DECISION_SKIPPED")
        with self.server.policy() as policy:
            policy([1, 0])
            self.fake.failures = [skipped]
            with self.assertRaises(foresight.FailedPrecondition) as caught:
                policy([2, 0])
            self.assertEqual(caught.exception.reason, "DECISION_SKIPPED")
            self.assertEqual(policy([2, 0]).tolist(), [2, 1])

    def test_without_an_answer_the_error_names_the_server(self):
        held = threading.Event()
        decide = self.fake._decide

        def slow(request):
            held.wait()
            return decide(request)

        with self.server.policy(timeout=0.1) as policy:
            self.fake._decide = slow
            address = self.server.connection.address
            with self.assertRaisesRegex(foresight.DeadlineExceeded, f"{address}|stream"):
                policy([1, 0])
            held.set()

    def test_attempts_are_counted(self):
        with self.server.policy() as policy:
            self.fake.failures = [draining() for _ in range(9)]
            with self.assertRaisesRegex(
                foresight.Unavailable, "tried 4 times"
            ) as caught:
                policy([1, 0])
        self.assertEqual(caught.exception.reason, "DRAINING")
        self.assertEqual(len(self.fake.asked), 4)

    def test_a_full_server_is_asked_again_when_it_says_so(self):
        with self.server.policy() as policy:
            self.fake.failures = [Failure(EXHAUSTED, "OVERLOADED", retry_after=0.2)]
            begin = time.monotonic()
            policy([1, 0])
            self.assertGreaterEqual(time.monotonic() - begin, 0.2)
            self.fake.failures = [Failure(EXHAUSTED, "SESSIONS_FULL")]
            with self.assertRaises(foresight.ResourceExhausted) as caught:
                policy([1, 0])
            self.assertIsNone(caught.exception.retry_after)

    def test_no_attempt_begins_after_the_timeout(self):
        with self.server.policy(timeout=0.5) as policy:
            self.fake.failures = [Failure(EXHAUSTED, "OVERLOADED", retry_after=30)]
            with self.assertRaises(foresight.ResourceExhausted) as caught:
                policy([1, 0])
            self.assertEqual(caught.exception.retry_after, 30)

    def test_a_late_decision_is_asked_for_again_if_the_caller_is_patient(self):
        late = [Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")] * 6
        with self.server.policy(budget=0.02) as policy:
            self.fake.failures = late[:1]
            with self.assertRaises(foresight.DeadlineExceeded):
                policy([1, 0])
            self.fake.failures = late[:]
            policy.act([1, 0], patient=True)
            self.assertEqual(policy.last.late, 6)

    def test_an_answer_of_an_older_epoch_is_not_acted_on(self):
        self.fake.epoch = 3
        with self.server.policy() as policy:
            self.fake.epoch = 2
            with self.assertRaisesRegex(foresight.Unavailable, "epoch 2"):
                policy([1, 0])

    def test_a_reset_numbers_from_zero(self):
        with self.server.policy() as policy:
            policy([1, 0])
            policy.reset()
            self.assertEqual(policy([1, 0]).tolist(), [1, 0])


class StreamTest(RetryTest):
    """RetryTest's rules on a vector policy's stream, and the stream's own rules."""

    def setUp(self):
        super().setUp()
        vector_policy = self.server.vector_policy
        self.server.policy = lambda **options: Single(vector_policy(1, **options))

    def test_every_session_gets_its_own_answer(self):
        with self.server.vector_policy(3) as policy:
            actions = policy([[5, 0], [6, 0], [7, 0]])
            self.assertEqual(actions.tolist(), [[5, 0], [6, 0], [7, 0]])
        self.assertEqual(self.fake.streams, 1)
        self.assertEqual(self.fake.sessions, {})  # All are closed.

    def test_if_one_session_cannot_open_none_stays(self):
        self.fake.max_sessions = 2
        with self.assertRaises(foresight.ResourceExhausted) as caught:
            self.server.vector_policy(3)
        self.assertEqual(caught.exception.reason, "SESSIONS_FULL")
        self.assertEqual(self.fake.sessions, {})

    def test_only_what_failed_is_asked_for_again(self):
        with self.server.vector_policy(3) as policy:
            self.fake.failures = [draining()]
            policy([[5, 0], [6, 0], [7, 0]])
        asked = [request.observation[0] for request in self.fake.asked]
        self.assertEqual(asked, [5, 6, 7, 5])

    def test_a_stream_that_broke_opens_again(self):
        self.fake.answers_per_stream = 4
        # A server that shuts down cancels the streams that are left.
        for code in (UNAVAILABLE, grpc.StatusCode.CANCELLED):
            self.fake.end_of_stream = code
            self.fake.streams = 0
            with self.server.vector_policy(3) as policy:
                for step in range(4):
                    actions = policy([[5, 0], [6, 0], [7, 0]])
                    self.assertEqual(actions[:, 0].tolist(), [5, 6, 7])
                    self.assertEqual(actions[:, 1].tolist(), [step] * 3)
            self.assertGreater(self.fake.streams, 2)

    def test_a_stream_whose_token_was_replaced_opens_again(self):
        with self.server.vector_policy(2) as policy:
            policy([[5, 0], [6, 0]])
            self.fake.failures = [token_refused()]
            self.assertEqual(policy([[7, 0], [8, 0]]).tolist(), [[7, 1], [8, 1]])
        self.assertEqual(self.fake.streams, 2)


class Single:
    """Makes a vector policy of one environment look like a policy."""

    def __init__(self, policy):
        self.policy = policy

    def __call__(self, observation):
        return self.policy([observation])[0]

    def act(self, observation, patient):
        return self.policy.act([observation], patient=patient)[0]

    def reset(self):
        self.policy.reset()

    @property
    def last(self):
        return self.policy.last[0]

    @property
    def lost_decisions(self):
        return self.policy.lost_decisions[0]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.policy.close()


class AsyncRetryTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.fake = FakeAdaptation()
        address = self.enterContext(serving(self.fake))
        self.server = foresight.aio.connect(address, retry=QUICK)
        self.addAsyncCleanup(self.server.close)

    async def test_a_decision_whose_answer_was_lost_is_made_once(self):
        async with self.server.policy() as policy:
            self.fake.losses = [draining()]
            self.assertEqual((await policy([1, 0])).tolist(), [1, 0])
            self.assertEqual((await policy([2, 0])).tolist(), [2, 1])

    async def test_if_one_session_cannot_open_none_stays(self):
        self.fake.max_sessions = 2
        with self.assertRaises(foresight.ResourceExhausted):
            await self.server.vector_policy(3)
        self.assertEqual(self.fake.sessions, {})

    async def test_a_stream_that_broke_opens_again(self):
        self.fake.answers_per_stream = 4
        for code in (UNAVAILABLE, grpc.StatusCode.CANCELLED):
            self.fake.end_of_stream = code
            async with self.server.vector_policy(3) as policy:
                for step in range(4):
                    actions = await policy([[5, 0], [6, 0], [7, 0]])
                    self.assertEqual(actions[:, 0].tolist(), [5, 6, 7])
                    self.assertEqual(actions[:, 1].tolist(), [step] * 3)

    async def test_a_stream_whose_token_was_replaced_opens_again(self):
        async with self.server.vector_policy(2) as policy:
            await policy([[5, 0], [6, 0]])
            self.fake.failures = [token_refused()]
            actions = await policy([[7, 0], [8, 0]])
            self.assertEqual(actions.tolist(), [[7, 1], [8, 1]])
        self.assertEqual(self.fake.streams, 2)

    async def test_after_a_cancelled_decision_no_late_answer_is_taken(self):
        held = asyncio.Event()
        loop = asyncio.get_running_loop()
        decide = self.fake._decide

        def slow(request):
            loop.call_soon_threadsafe(held.set)
            time.sleep(0.3)
            return decide(request)

        async with self.server.vector_policy(2) as policy:
            self.fake._decide = slow
            task = asyncio.create_task(policy([[5, 0], [6, 0]]))
            await held.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.fake._decide = decide
            actions = await policy([[7, 0], [8, 0]])
            self.assertEqual(actions[:, 0].tolist(), [7, 8])


class ErrorTest(unittest.TestCase):
    def test_details_that_do_not_parse_are_ignored(self):
        class Broken(grpc.RpcError):
            code = staticmethod(lambda: UNAVAILABLE)
            details = staticmethod(lambda: "gone")
            trailing_metadata = staticmethod(
                lambda: (("grpc-status-details-bin", b"\xff\xff"),)
            )

        error = foresight.errors.from_call(Broken())
        self.assertIsInstance(error, foresight.Unavailable)
        self.assertEqual((error.message, error.reason), ("gone", ""))

    def test_a_code_without_a_class_is_an_error(self):
        error = foresight.errors.from_answer(v1.Error(code=13, message="bug"))
        self.assertIs(type(error), foresight.Error)
        self.assertEqual(error.code, grpc.StatusCode.INTERNAL)
        unknown = foresight.errors.from_answer(v1.Error(code=99))
        self.assertEqual(unknown.code, grpc.StatusCode.UNKNOWN)


if __name__ == "__main__":
    unittest.main()
