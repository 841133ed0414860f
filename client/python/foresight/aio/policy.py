"""A policy for one environment, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from foresight.aio.opening import Opening
from foresight.messages import Array
from foresight.options import PolicyOptions
from foresight.policy import SessionPolicy
from foresight.v1 import adaptation_pb2 as v1

if TYPE_CHECKING:
    from foresight.aio.server import Server


class Policy(SessionPolicy):
    """As foresight.Policy."""

    def __init__(
        self, server: Server, session: v1.Session, options: PolicyOptions
    ) -> None:
        super().__init__(session, options)
        self._server = server

    async def __call__(self, observation: ArrayLike) -> Array:
        """As `act`."""
        return await self.act(observation)

    async def act(self, observation: ArrayLike, *, patient: bool = False) -> Array:
        """As foresight.Policy.act."""
        attempts = self._server.attempts(self._options.get("timeout"))
        round = self._begin(observation, attempts, patient)
        while round.requests:
            (request,) = round.requests
            answer = await self._server.try_call("Act", request, attempts.remaining)
            await asyncio.sleep(round.take([answer]))
        return self._finish(round)

    async def reset(self, *, keep: bool = False, seed: int | None = None) -> None:
        """As foresight.Policy.reset."""
        request = self._loop.reset_request(keep, seed)
        session = await self._server.call("ResetSession", request)
        self._loop.restart(session, keep=keep)

    def frozen(self) -> Opening[Policy]:
        """The same policy without adaptation, on a session of its own."""
        return self._server.policy(self.model.name, **self._frozen_options())

    async def close(self) -> None:
        """Frees the session on the server. If it cannot be closed, it expires."""
        await self._server.close_session(self._loop.session)
