"""Decisions of many sessions over one Control call."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from foresight import errors
from foresight.errors import DeadlineExceeded, Error, Unavailable
from foresight.v1 import adaptation_pb2 as v1

Answer = v1.ActResponse | Error
_Item = v1.ControlResponse | Error
_UNAUTHENTICATED: int = grpc.StatusCode.UNAUTHENTICATED.value[0]


class Exchange:
    """Matches the answers of a stream to the requests that were sent."""

    def __init__(self, requests: Sequence[v1.ActRequest]) -> None:
        self._keys = [(r.session_id, r.decision_index) for r in requests]
        self._waiting = set(self._keys)
        self._answers: dict[tuple[str, int], Answer] = {}
        self._failed = False

    @property
    def complete(self) -> bool:
        return not self._waiting

    @property
    def succeeded(self) -> bool:
        """Whether the stream answered everything, so that it can be used again."""
        return self.complete and not self._failed

    @property
    def answers(self) -> list[Answer]:
        """The answers in the order of the requests."""
        return [self._answers[key] for key in self._keys]

    def take(self, message: v1.ControlResponse) -> None:
        """Errors: Unavailable: this stream gets no answers, but a new one may."""
        key = (message.session_id, message.decision_index)
        if key not in self._waiting:
            return  # Nobody asked for it.
        if message.error.code == _UNAUTHENTICATED:
            # The token was valid when the stream opened, so it has been replaced.
            raise Unavailable("the server no longer takes the stream's token")
        self._waiting.remove(key)
        self._answers[key] = (
            errors.from_answer(message.error)
            if message.HasField("error")
            else message.response
        )

    def fail(self, error: Error) -> None:
        """Gives `error` to all requests without an answer."""
        self._answers.update(dict.fromkeys(self._waiting, error))
        self._waiting.clear()
        self._failed = True


class ControlStream:
    """Sends requests and waits for all their answers; reopens after it breaks.

    Used by one thread at a time.
    """

    def __init__(
        self,
        start: Callable[[Iterator[v1.ActRequest]], Any],
        to_error: Callable[[grpc.RpcError], Error],
    ) -> None:
        self._start = start
        self._to_error = to_error
        self._call: Any = None
        self._outbox: queue.SimpleQueue[v1.ActRequest | None] = queue.SimpleQueue()
        self._inbox: queue.SimpleQueue[_Item] = queue.SimpleQueue()

    def exchange(
        self, requests: Sequence[v1.ActRequest], timeout: float
    ) -> list[Answer]:
        """An answer or an error to each of `requests`, in their order."""
        deadline = time.monotonic() + timeout
        exchange = Exchange(requests)
        if self._call is None:
            self._open()
        try:
            for request in requests:
                self._outbox.put(request)
            while not exchange.complete:
                exchange.take(self._next(deadline))
        except Error as error:
            exchange.fail(error)
        finally:
            if not exchange.succeeded:
                # Late answers must not be taken for answers to later requests.
                self.close()
        return exchange.answers

    def close(self) -> None:
        if self._call is not None:
            self._outbox.put(None)
            self._call.cancel()
            self._call = None

    def _next(self, deadline: float) -> v1.ControlResponse:
        try:
            item = self._inbox.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            item = DeadlineExceeded("no answer on the stream in time")
        if isinstance(item, Error):
            raise item
        return item

    def _open(self) -> None:
        # New queues, since an ended stream's thread may still be reading.
        self._outbox, self._inbox = queue.SimpleQueue(), queue.SimpleQueue()
        self._call = self._start(iter(self._outbox.get, None))
        threading.Thread(
            target=_read, args=(self._call, self._inbox, self._to_error), daemon=True
        ).start()


def _read(
    call: Any,
    inbox: queue.SimpleQueue[_Item],
    to_error: Callable[[grpc.RpcError], Error],
) -> None:
    try:
        for message in call:
            inbox.put(message)
        inbox.put(Unavailable("the server ended the stream"))
    except grpc.RpcError as failure:
        inbox.put(to_error(failure))
