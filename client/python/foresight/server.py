"""A connection to a foresight-server."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from types import TracebackType
from typing import Any, Self, Unpack

import grpc
from google.protobuf.message import Message

from foresight import errors
from foresight.connection import Connection, Tls, make_stub
from foresight.messages import Model, to_model
from foresight.options import PolicyOptions, open_request
from foresight.policy import Policy
from foresight.retry import Attempts, Retry
from foresight.stream import ControlStream
from foresight.token_file import PathLike, choose_token
from foresight.v1 import adaptation_pb2 as v1
from foresight.vector import Environments, VectorPolicy, environment_count


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
    """Returns the server at `address`; the first call connects.

    Args:
        address: host:port.
        tls: encrypts the connection, which is plain text otherwise.
        token: a bearer token that every call shows.
        token_file: a file that holds the token instead. It is read again within a
            second after it is replaced, so that the token can be rotated.
        timeout: seconds for a call, including its retries.
        connect_timeout: seconds within which the server has to answer for the first
            time.
        retry: how often a failed call is tried again.

    Errors: those of Connection and TokenFile.
    """
    shown = choose_token(token, token_file)
    return Server(Connection(address, tls, shown, timeout, connect_timeout, retry))


class Server:
    """Made by `connect`.

    The channel opens with the first call. Forking the process before that call, as
    gymnasium's AsyncVectorEnv does, is safe; a fork after it may crash gRPC.

    Thread-safe; a policy is used by one thread at a time.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._process = 0

    def models(self) -> list[Model]:
        """The models that the server serves."""
        response: v1.ListModelsResponse = self.call(
            "ListModels", v1.ListModelsRequest()
        )
        return [to_model(model) for model in response.models]

    def policy(self, model: str = "", **options: Unpack[PolicyOptions]) -> Policy:
        """A policy for one environment, on a new session.

        Args:
            model: its name; empty: the only one served.
            options: seed, budget, ... and the settings of the adaptation.
        """
        return Policy(self, self.open(model, options), options)

    def vector_policy(
        self, envs: Environments, model: str = "", **options: Unpack[PolicyOptions]
    ) -> VectorPolicy:
        """A policy for a vector of environments: a session each, over one stream.

        Args:
            envs: gymnasium's vector environment, or how many environments there
                are; only their number and their autoreset mode are used.
            model: its name; empty: the only one served.
            options: as for `policy`; environment i has the seed `seed` + i.
        """
        return VectorPolicy(self, envs, self.open_all(envs, model, options), options)

    def close(self) -> None:
        """Closes the connection. Policies that are still open end on the server
        after its lost-timeout."""
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # The rest is for this package's own use.

    def open(self, model: str, options: PolicyOptions, offset: int = 0) -> v1.Session:
        """A session of `model`; `offset` is added to the seed, if there is one."""
        session: v1.Session = self.call(
            "OpenSession", open_request(model, options, offset)
        )
        return session

    def open_all(
        self, envs: Environments, model: str, options: PolicyOptions
    ) -> list[v1.Session]:
        """Opens a session for each environment; after an error it leaves none open."""
        sessions: list[v1.Session] = []
        try:
            for i in range(environment_count(envs)):
                sessions.append(self.open(model, options, i))
        except BaseException:
            for session in sessions:
                self.close_session(session)
            raise
        return sessions

    def close_session(self, session: v1.Session) -> None:
        """Tries to close the session; an unclosed session expires."""
        request = v1.CloseSessionRequest(session_id=session.session_id)
        self.try_call("CloseSession", request, timeout=1)

    def attempts(self, timeout: float | None = None) -> Attempts:
        return self.connection.attempts(timeout)

    def call(self, method: str, request: Message) -> Any:
        """Calls `method` with retries; only for calls that can be repeated safely."""
        attempts = self.attempts()
        while True:
            answer = self.try_call(method, request, attempts.remaining)
            if not isinstance(answer, errors.Error):
                return answer
            self.wait(attempts.wait_after([answer]))

    def try_call(self, method: str, request: Message, timeout: float) -> Any:
        """The answer of `method`, or the foresight.Error that it failed with."""
        try:
            return getattr(self._stub(), method)(
                request, timeout=timeout, metadata=self.connection.metadata
            )
        except grpc.RpcError as failure:
            return self.connection.to_error(failure)

    def wait(self, seconds: float) -> None:
        """Waits before the next attempt.

        Meanwhile a call makes grpcio reopen a lost connection: grpcio 1.71 does so
        only while a call waits for it. Without that call grpcio would notice seconds
        late that a server is back.
        """
        end = time.monotonic() + seconds
        with self._lock:
            channel = self._channel
        if channel is not None and seconds > 0:
            # ValueError: another thread closed the channel.
            with contextlib.suppress(grpc.RpcError, ValueError):
                make_stub(channel).ListModels(
                    v1.ListModelsRequest(),
                    timeout=seconds,
                    metadata=self.connection.metadata,
                    wait_for_ready=True,
                )
        time.sleep(max(end - time.monotonic(), 0))

    def open_stream(self) -> ControlStream:
        return ControlStream(
            lambda requests: self._stub().Control(
                requests, metadata=self.connection.metadata
            ),
            self.connection.to_error,
        )

    def _stub(self) -> Any:
        with self._lock:
            if self._channel is None:
                self._channel = self._open_channel()
                self._process = os.getpid()
            elif self._process != os.getpid():
                raise errors.FailedPrecondition(
                    "this connection was opened by another process; "
                    "connect again in this one"
                )
            return make_stub(self._channel)

    def _open_channel(self) -> grpc.Channel:
        connection = self.connection
        if connection.tls is None:
            channel = grpc.insecure_channel(
                connection.address, connection.channel_options
            )
        else:
            channel = grpc.secure_channel(
                connection.address,
                connection.tls.credentials(),
                connection.channel_options,
            )
        stub = make_stub(channel)
        failure = self._try_first_call(stub, connection.connect_timeout, wait=True)
        if failure is not None:
            error = connection.to_error(failure)
            if isinstance(error, errors.DeadlineExceeded):
                failure = self._try_first_call(stub, 1, wait=False)
                error = connection.nobody_answered(failure)
            channel.close()
            raise error
        return channel

    def _try_first_call(
        self, stub: Any, timeout: float, *, wait: bool
    ) -> grpc.RpcError | None:
        """Asks whether the server answers. gRPC gives the reason for a failure only
        if the call does not `wait` for a connection."""
        try:
            stub.ListModels(
                v1.ListModelsRequest(),
                timeout=timeout,
                metadata=self.connection.metadata,
                wait_for_ready=wait,
            )
        except grpc.RpcError as failure:
            return failure
        return None
