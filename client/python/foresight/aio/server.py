"""A connection to a foresight-server, for asyncio."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self, Unpack

import grpc
from google.protobuf.message import Message

from foresight import errors
from foresight.aio.opening import Opening
from foresight.aio.policy import Policy
from foresight.aio.vector import VectorPolicy
from foresight.connection import Connection, Tls, make_stub
from foresight.messages import Model, to_model
from foresight.options import PolicyOptions, open_request
from foresight.retry import Attempts, Retry
from foresight.token_file import PathLike, choose_token
from foresight.v1 import adaptation_pb2 as v1
from foresight.vector import Environments, environment_count


def connect(
    address: str = "127.0.0.1:50051",
    *,
    tls: Tls | None = None,
    token: str | None = None,
    token_file: PathLike | None = None,
    timeout: float = 10.0,
    connect_timeout: float = 5.0,
    retry: Retry = Retry(),
) -> Server:
    """As foresight.connect."""
    shown = choose_token(token, token_file)
    return Server(Connection(address, tls, shown, timeout, connect_timeout, retry))


class Server:
    """As foresight.Server, for the event loop that first uses it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._lock = asyncio.Lock()
        self._channel: grpc.aio.Channel | None = None

    async def models(self) -> list[Model]:
        """The models that the server serves."""
        response: v1.ListModelsResponse = await self.call(
            "ListModels", v1.ListModelsRequest()
        )
        return [to_model(model) for model in response.models]

    def policy(
        self, model: str = "", **options: Unpack[PolicyOptions]
    ) -> Opening[Policy]:
        """As foresight.Server.policy; await it or enter it."""

        async def open() -> Policy:
            return Policy(self, await self.open(model, options), options)

        return Opening(open)

    def vector_policy(
        self, envs: Environments, model: str = "", **options: Unpack[PolicyOptions]
    ) -> Opening[VectorPolicy]:
        """As foresight.Server.vector_policy; await it or enter it."""

        async def open() -> VectorPolicy:
            sessions = await self.open_all(envs, model, options)
            return VectorPolicy(self, envs, sessions, options)

        return Opening(open)

    async def close(self) -> None:
        """Closes the connection. Policies that are still open expire on the server
        after its lost-timeout."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # The rest is for this package's own use.

    async def open(
        self, model: str, options: PolicyOptions, offset: int = 0
    ) -> v1.Session:
        """A session of `model`; `offset` is added to the seed, if there is one."""
        session: v1.Session = await self.call(
            "OpenSession", open_request(model, options, offset)
        )
        return session

    async def close_session(self, session: v1.Session) -> None:
        """Tries to close the session; an unclosed session expires."""
        request = v1.CloseSessionRequest(session_id=session.session_id)
        await self.try_call("CloseSession", request, timeout=1)

    async def open_all(
        self, envs: Environments, model: str, options: PolicyOptions
    ) -> list[v1.Session]:
        """A session for each environment, or, after an error, none."""
        opened = await asyncio.gather(
            *(self.open(model, options, i) for i in range(environment_count(envs))),
            return_exceptions=True,
        )
        sessions = [one for one in opened if isinstance(one, v1.Session)]
        for error in opened:
            if isinstance(error, BaseException):
                await asyncio.gather(*map(self.close_session, sessions))
                raise error
        return sessions

    def attempts(self, timeout: float | None = None) -> Attempts:
        return self.connection.attempts(timeout)

    async def call(self, method: str, request: Message) -> Any:
        """Calls `method` with retries; only for calls that can be repeated safely."""
        attempts = self.attempts()
        while True:
            answer = await self.try_call(method, request, attempts.remaining)
            if not isinstance(answer, errors.Error):
                return answer
            await asyncio.sleep(attempts.wait_after([answer]))

    async def try_call(self, method: str, request: Message, timeout: float) -> Any:
        """The answer of `method`, or the foresight.Error that it failed with."""
        try:
            stub = await self.stub()
            return await getattr(stub, method)(
                request, timeout=timeout, metadata=self.connection.metadata
            )
        except grpc.RpcError as failure:
            return self.connection.to_error(failure)

    async def stub(self) -> Any:
        async with self._lock:
            if self._channel is None:
                self._channel = await self._open_channel()
            return make_stub(self._channel)

    async def _open_channel(self) -> grpc.aio.Channel:
        connection = self.connection
        if connection.tls is None:
            channel = grpc.aio.insecure_channel(
                connection.address, connection.channel_options
            )
        else:
            channel = grpc.aio.secure_channel(
                connection.address,
                connection.tls.credentials(),
                connection.channel_options,
            )
        stub = make_stub(channel)
        failure = await self._try_first_call(stub, connection.connect_timeout, wait=True)
        if failure is not None:
            error = connection.to_error(failure)
            if isinstance(error, errors.DeadlineExceeded):
                failure = await self._try_first_call(stub, 1, wait=False)
                error = connection.nobody_answered(failure)
            await channel.close()
            raise error
        return channel

    async def _try_first_call(
        self, stub: Any, timeout: float, *, wait: bool
    ) -> grpc.RpcError | None:
        """As in foresight.Server."""
        try:
            await stub.ListModels(
                v1.ListModelsRequest(),
                timeout=timeout,
                metadata=self.connection.metadata,
                wait_for_ready=wait,
            )
        except grpc.RpcError as failure:
            return failure
        return None
