"""The asyncio twin gives the same results as the package."""

import asyncio
import inspect
import unittest

import numpy as np

import foresight
import foresight.aio
from support.served import OBSERVATION_SIZE, ServedTest

STEPS = np.random.default_rng(1).normal(size=(3, 2, OBSERVATION_SIZE))


class TwinTest(ServedTest):
    def run_async(self, test):
        async def run():
            async with foresight.aio.connect(self.address, timeout=60) as server:
                await test(server)

        asyncio.run(run())

    def test_the_same_actions(self):
        with self.server.policy(seed=1) as policy:
            expected = [policy(step[0]).tolist() for step in STEPS]
            drift = policy.last.drift

        async def test(server):
            async with server.policy(seed=1) as policy:
                actions = [(await policy(step[0])).tolist() for step in STEPS]
                self.assertEqual(actions, expected)
                self.assertEqual(policy.last.drift, drift)
                await policy.reset()
                self.assertEqual((await policy(STEPS[0, 0])).tolist(), expected[0])
                async with policy.frozen() as frozen:
                    await frozen(STEPS[0, 0])
                    self.assertEqual(frozen.last.steps, 0)

        self.run_async(test)

    def test_the_same_actions_of_a_vector(self):
        with self.server.vector_policy(2, seed=1) as policy:
            expected = [policy(step).tolist() for step in STEPS]

        async def test(server):
            async with server.vector_policy(2, seed=1) as policy:
                actions = [(await policy(step)).tolist() for step in STEPS]
                self.assertEqual(actions, expected)
                policy.ended([False, True])
                again = await policy(STEPS[0])
                self.assertEqual(again[1].tolist(), expected[0][1])
                self.assertEqual([d.index for d in policy.last], [3, 0])
                async with policy.frozen() as frozen:
                    await frozen(STEPS[0])
                    self.assertEqual(frozen.last[1].steps, 0)

        self.run_async(test)

    def test_policies_decide_side_by_side(self):
        async def test(server):
            policies = await asyncio.gather(*(server.policy(seed=i) for i in range(3)))
            actions = await asyncio.gather(
                *(policy(STEPS[0, 0]) for policy in policies)
            )
            self.assertEqual(len({tuple(action) for action in actions}), 3)
            await asyncio.gather(*(policy.close() for policy in policies))
            (model,) = await server.models()
            self.assertEqual(model.action_size, 6)

        self.run_async(test)

    def test_errors_are_the_same(self):
        async def test(server):
            with self.assertRaises(foresight.NotFound) as caught:
                await server.policy("nothing")
            self.assertEqual(caught.exception.reason, "MODEL_UNKNOWN")

        self.run_async(test)
        with self.assertRaisesRegex(foresight.Unavailable, "refused"):
            nobody = foresight.aio.connect("127.0.0.1:1", connect_timeout=0.2)
            asyncio.run(nobody.models())

    def test_every_method_has_a_twin(self):
        for kind in ("Server", "Policy", "VectorPolicy"):
            names = {n for n in vars(getattr(foresight, kind)) if not n.startswith("_")}
            twins = vars(getattr(foresight.aio, kind))
            # predict is for Stable-Baselines3, which does not await; the others are
            # for the package's own use.
            names -= {"predict", "open_stream", "wait"}
            self.assertLessEqual(names, set(twins))
        sync = inspect.signature(foresight.connect).parameters
        self.assertEqual(inspect.signature(foresight.aio.connect).parameters, sync)


if __name__ == "__main__":
    unittest.main()
