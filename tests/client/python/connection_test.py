"""The metadata of each call."""

import asyncio
import unittest

import foresight
import foresight.aio
from support.fake_server import FakeAdaptation, serving


class AffinityTest(unittest.TestCase):
    """A proxy that hashes x-session-id sends all calls of a client to one server."""

    def setUp(self):
        self.fake = FakeAdaptation()
        self.address = self.enterContext(serving(self.fake))

    def affinity(self, calls):
        """Checks that `calls` calls had the same header x-session-id; returns it."""
        self.assertEqual(len(self.fake.affinities), calls)
        (affinity,) = set(self.fake.affinities)
        self.assertTrue(affinity)
        self.fake.affinities.clear()
        return affinity

    def play(self):
        with foresight.connect(self.address) as server:
            with server.policy() as policy, server.vector_policy(2) as policies:
                policy([1, 0])
                policies([[2, 0], [3, 0]])
        return self.affinity(calls=8)  # Three sessions, a decision and a stream.

    def test_all_calls_of_a_client_show_the_same(self):
        self.play()

    def test_two_clients_differ(self):
        self.assertNotEqual(self.play(), self.play())

    def test_so_it_is_with_asyncio(self):
        async def play():
            async with (
                foresight.aio.connect(self.address) as server,
                server.policy() as policy,
            ):
                await policy([1, 0])

        asyncio.run(play())
        self.affinity(calls=3)


if __name__ == "__main__":
    unittest.main()
