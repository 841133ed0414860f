"""Every error of this package is a foresight.Error.

A subclass per gRPC status code says who can fix it; `reason` names the exact
cause in the capitals that proto/adaptation.proto documents.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from foresight.v1 import adaptation_pb2 as v1

_DETAILS = "grpc-status-details-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Error(Exception):
    """A call that failed.

    Attributes:
        code: the gRPC status code.
        message: what was expected and what was received.
        reason: the server's reason, such as "SESSION_UNKNOWN"; empty if the
            error did not come from the service itself (no connection, no answer).
        retry_after: seconds that the server asks to wait, or None.
        next_decision: with DECISION_SKIPPED, the decision that the server expects.
    """

    code = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        retry_after: float | None = None,
        next_decision: int | None = None,
    ) -> None:
        super().__init__(f"{message} [{reason}]" if reason else message)
        self.code = code or type(self).code
        self.message = message
        self.reason = reason
        self.retry_after = retry_after
        self.next_decision = next_decision

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        if self.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return self.retry_after is not None
        return self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)


class Cancelled(Error):
    """The call was cancelled."""

    code = grpc.StatusCode.CANCELLED


class InvalidArgument(Error, ValueError):
    """A value is wrong; the message names it."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class DeadlineExceeded(Error):
    """There was no answer in time."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class NotFound(Error):
    """No such model, or no such session: it expired or was lost."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(Error):
    """A session with this id exists."""

    code = grpc.StatusCode.ALREADY_EXISTS


class PermissionDenied(Error):
    """The caller may not do this."""

    code = grpc.StatusCode.PERMISSION_DENIED


class Unauthenticated(Error):
    """The token is missing or wrong."""

    code = grpc.StatusCode.UNAUTHENTICATED


class ResourceExhausted(Error):
    """The server is full or overloaded; `retry_after` says when to come back."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class FailedPrecondition(Error):
    """Not possible in the present state."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(Error):
    """Another decision of the session is being made."""

    code = grpc.StatusCode.ABORTED


class Unavailable(Error):
    """No server answers, or it is shutting down."""

    code = grpc.StatusCode.UNAVAILABLE


_CLASSES = {kind.code: kind for kind in Error.__subclasses__()}


def make_error(
    code: grpc.StatusCode,
    message: str,
    reason: str = "",
    retry_after: float | None = None,
    next_decision: int | None = None,
) -> Error:
    """Makes an error of the class for `code`, or a plain Error if it has none."""
    kind = _CLASSES.get(code, Error)
    return kind(
        message,
        code=code,
        reason=reason,
        retry_after=retry_after,
        next_decision=next_decision,
    )


def from_call(failure: grpc.RpcError) -> Error:
    """The error of a failed call, with its ErrorInfo and RetryInfo."""
    call: Any = failure  # It is also a grpc.Call, though its type is not.
    details = _Details()
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS:
            details = _read_details(value)
    return make_error(call.code(), call.details() or "", *details)


def from_answer(error: v1.Error) -> Error:
    """The error that answers one request of a Control stream."""
    wait = error.retry_after.ToTimedelta().total_seconds()
    return make_error(
        _CODES.get(error.code, grpc.StatusCode.UNKNOWN),
        error.message,
        error.reason,
        wait if error.HasField("retry_after") else None,
        error.next_decision if error.HasField("next_decision") else None,
    )


class _Details(NamedTuple):
    reason: str = ""
    retry_after: float | None = None
    next_decision: int | None = None


def _read_details(value: bytes) -> _Details:
    details = _Details()
    status = status_pb2.Status()
    try:
        status.ParseFromString(value)
    except DecodeError:  # Code and message always arrive.
        return details
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            expected = info.metadata.get("next_decision", "")
            details = details._replace(
                reason=info.reason,
                next_decision=int(expected) if expected.isdecimal() else None,
            )
        elif detail.Unpack(retry) and retry.HasField("retry_delay"):
            wait = retry.retry_delay.ToTimedelta().total_seconds()
            details = details._replace(retry_after=wait)
    return details
