"""Policies go on after a restart of a server that keeps its sessions."""

import asyncio
import pathlib
import tempfile
import unittest

import numpy as np

import foresight
import foresight.aio
from support.served import OBSERVATION_SIZE, PATIENCE_S, serve

STEPS = np.random.default_rng(1).normal(size=(4, 2, OBSERVATION_SIZE))
# Retries until the server is back.
PATIENT = foresight.Retry(max_attempts=1000, max_backoff=0.1)


class RestartTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.starts = 0
        self.start("127.0.0.1:0")
        server = foresight.connect(self.address, retry=PATIENT, timeout=PATIENCE_S)
        self.server = self.enterContext(server)

    def start(self, address):
        self.starts += 1
        process, self.address = serve(
            self.folder / f"port-{self.starts}",
            *("--state-dir", self.folder / "state", "--durability", "each"),
            address=address,
        )
        self.process = process
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def kill_and_start(self):
        self.process.kill()
        self.process.wait()
        self.start(self.address)

    def test_a_policy_goes_on_as_if_nothing_had_happened(self):
        with self.server.policy(seed=1) as policy:
            expected = [policy(step[0]).tolist() for step in STEPS]
        with self.server.policy(seed=1) as policy:
            actions = [policy(step[0]).tolist() for step in STEPS[:2]]
            self.kill_and_start()
            actions += [policy(step[0]).tolist() for step in STEPS[2:]]
            self.assertEqual(policy.last.index, 3)
            self.assertEqual(policy.lost_decisions, 0)
        self.assertEqual(actions, expected)

    def test_so_does_a_vector_policy(self):
        with self.server.vector_policy(2, seed=1) as policy:
            expected = [policy(step).tolist() for step in STEPS]
        with self.server.vector_policy(2, seed=1) as policy:
            actions = [policy(step).tolist() for step in STEPS[:2]]
            self.kill_and_start()
            actions += [policy(step).tolist() for step in STEPS[2:]]
        self.assertEqual(actions, expected)

    def test_so_does_an_asyncio_policy(self):
        with self.server.policy(seed=1) as policy:
            expected = [policy(step[0]).tolist() for step in STEPS]

        async def act():
            async with (
                foresight.aio.connect(
                    self.address, retry=PATIENT, timeout=PATIENCE_S
                ) as server,
                server.policy(seed=1) as policy,
            ):
                actions = [(await policy(step[0])).tolist() for step in STEPS[:2]]
                self.kill_and_start()
                return actions + [
                    (await policy(step[0])).tolist() for step in STEPS[2:]
                ]

        self.assertEqual(asyncio.run(act()), expected)


if __name__ == "__main__":
    unittest.main()
