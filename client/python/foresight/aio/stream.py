"""Decisions of many sessions over one Control call, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import grpc

from foresight import errors
from foresight.errors import DeadlineExceeded, Unavailable
from foresight.stream import Answer, Exchange
from foresight.v1 import adaptation_pb2 as v1

if TYPE_CHECKING:
    from foresight.aio.server import Server


class ControlStream:
    """As foresight.stream.ControlStream."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._call: Any = None

    async def exchange(
        self, requests: Sequence[v1.ActRequest], timeout: float
    ) -> list[Answer]:
        """An answer or an error to each of `requests`, in their order."""
        exchange = Exchange(requests)
        try:
            async with asyncio.timeout(timeout):
                await self._exchange(requests, exchange)
        except TimeoutError:
            exchange.fail(DeadlineExceeded("no answer on the stream in time"))
        except grpc.RpcError as failure:
            exchange.fail(self._server.connection.to_error(failure))
        except errors.Error as error:
            exchange.fail(error)
        finally:
            if not exchange.succeeded:
                # Late answers must not be taken for those of later requests.
                self.close()
        return exchange.answers

    async def _exchange(
        self, requests: Sequence[v1.ActRequest], exchange: Exchange
    ) -> None:
        if self._call is None:
            stub = await self._server.stub()
            self._call = stub.Control(metadata=self._server.connection.metadata)
        try:
            for request in requests:
                await self._call.write(request)
        except (grpc.RpcError, asyncio.InvalidStateError):
            # The stream has ended since the last exchange. If the cause lasts,
            # a new stream shows it.
            raise Unavailable("the stream has ended") from None
        while not exchange.complete:
            answer = await self._call.read()
            if not isinstance(answer, v1.ControlResponse):  # grpc.aio.EOF
                raise Unavailable("the server ended the stream")
            exchange.take(answer)

    def close(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None
