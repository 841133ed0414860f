"""The package for asyncio: calls that wait are awaited, the rest is the same.

async with foresight.aio.connect("localhost:50051") as server:
    async with server.policy(budget=0.02, seed=1) as policy:
        action = await policy(observation)
"""

from foresight.aio.policy import Policy
from foresight.aio.server import Server, connect
from foresight.aio.vector import VectorPolicy

__all__ = ["Policy", "Server", "VectorPolicy", "connect"]
