"""A policy for several environments at once, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from foresight.aio.opening import Opening
from foresight.aio.stream import ControlStream
from foresight.messages import Array
from foresight.options import PolicyOptions
from foresight.v1 import adaptation_pb2 as v1
from foresight.vector import Environments, Mask, SessionsPolicy, plus

if TYPE_CHECKING:
    from foresight.aio.server import Server


class VectorPolicy(SessionsPolicy):
    """As foresight.VectorPolicy."""

    def __init__(
        self,
        server: Server,
        envs: Environments,
        sessions: Sequence[v1.Session],
        options: PolicyOptions,
    ) -> None:
        super().__init__(envs, sessions, options)
        self._server = server
        self._stream = ControlStream(server)

    async def __call__(self, observations: ArrayLike) -> Array:
        """As `act`."""
        return await self.act(observations)

    async def act(self, observations: ArrayLike, *, patient: bool = False) -> Array:
        """As foresight.VectorPolicy.act."""
        attempts = self._server.attempts(self._options.get("timeout"))
        await self._reset(self._used(self._ended))
        round = self._begin(observations, attempts, patient)
        while round.requests:
            answers = await self._stream.exchange(round.requests, attempts.remaining)
            await asyncio.sleep(round.take(answers))
        return self._finish(round)

    async def reset(
        self,
        mask: ArrayLike | None = None,
        *,
        keep: bool = False,
        seed: int | None = None,
    ) -> None:
        """As foresight.VectorPolicy.reset."""
        await self._reset(self._to_mask(mask), keep, seed)

    def frozen(self) -> Opening[VectorPolicy]:
        """The same policies without adaptation, on sessions of their own."""
        return self._server.vector_policy(
            self._envs, self.model.name, **self._frozen_options()
        )

    async def close(self) -> None:
        """Frees the sessions on the server. Those that cannot be closed expire."""
        self._stream.close()
        await asyncio.gather(
            *(self._server.close_session(loop.session) for loop in self._loops)
        )

    async def _reset(
        self, mask: Mask, keep: bool = False, seed: int | None = None
    ) -> None:
        async def reset(i: int) -> None:
            request = self._loops[i].reset_request(keep, plus(seed, i))
            session = await self._server.call("ResetSession", request)
            self._loops[i].restart(session, keep=keep)

        await asyncio.gather(*(reset(i) for i in np.flatnonzero(mask)))
