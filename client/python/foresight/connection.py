"""The address of a server and the credentials for it."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import ssl
import uuid
from pathlib import Path
from typing import Any

import grpc

from foresight.errors import (
    Error,
    InvalidArgument,
    Unavailable,
    from_call,
    make_error,
)
from foresight.retry import Attempts, Retry
from foresight.token_file import PathLike, TokenFile, check_token
from foresight.v1.adaptation_pb2_grpc import AdaptationStub

Metadata = tuple[tuple[str, str], ...]

# One server: host:port, perhaps after a gRPC scheme such as dns:///, or a Unix
# socket.
_ADDRESS = re.compile(
    r"((dns:(//[^/]*/)?|ipv4:|ipv6:)?(\[[^]]+\]|[^:/,\s\[\]]+):\d+|unix(-abstract)?:.+)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM format."""

    ca: PathLike | None = None  # Signs servers; None: the authorities gRPC ships.
    certificate: PathLike | None = None  # The client's own, if the server asks.
    key: PathLike | None = None  # Belongs to `certificate`.
    server_name: str | None = None  # In the server's certificate; None: the address.

    def credentials(self) -> grpc.ChannelCredentials:
        """Errors: OSError: a file cannot be read. InvalidArgument: it is not PEM, a
        certificate has no key, or the key belongs to another certificate."""
        if (self.certificate is None) != (self.key is None):
            raise InvalidArgument("certificate and key belong together, got only one")
        ca = _read(self.ca, "CERTIFICATE")
        certificate = _read(self.certificate, "CERTIFICATE")
        key = _read(self.key, "PRIVATE KEY")
        if self.certificate is not None and self.key is not None:
            _check_pair(self.certificate, self.key)
        return grpc.ssl_channel_credentials(ca, key, certificate)


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """Errors: InvalidArgument: the address is not host:port, the token is malformed
    or would be exposed, or a time is not positive."""

    address: str  # host:port
    tls: Tls | None = None  # None: plain text, for a server on this machine.
    token: str | TokenFile | None = None
    timeout: float = 10.0  # Seconds of a call with its retries.
    connect_timeout: float = 5.0  # Seconds until a server has to answer at first.
    retry: Retry = Retry()
    # From this, a proxy in front of several servers sees which calls belong to one
    # connection: it sends them all to one server, as their sessions share streams.
    affinity: str = dataclasses.field(
        default_factory=lambda: uuid.uuid4().hex, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not (isinstance(self.address, str) and _ADDRESS.fullmatch(self.address)):
            raise InvalidArgument(
                f"the server's address is {self.address!r}, expected host:port"
            )
        if isinstance(self.token, str):
            check_token("`token`", self.token.encode())
        if not (self.timeout > 0 and self.connect_timeout > 0):
            raise InvalidArgument("timeouts must be positive")
        if self.token is not None and self.tls is None and not self._is_local():
            raise InvalidArgument(
                f"a token would travel to {self.address} in plain text; expected tls"
            )

    @property
    def metadata(self) -> Metadata:
        """Travels with every call."""
        token = self.token
        if isinstance(token, TokenFile):
            token = token.get()
        metadata = (("x-session-id", self.affinity),)
        if token is None:
            return metadata
        return (*metadata, ("authorization", f"Bearer {token}"))

    @property
    def channel_options(self) -> list[tuple[str, int | str]]:
        # Short waits before the channel connects again, as loops are waiting.
        options: list[tuple[str, int | str]] = [
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 1000),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if self.tls is not None and self.tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return options

    def attempts(self, timeout: float | None = None) -> Attempts:
        """The attempts of one call, within `timeout`; None: that of the connection."""
        return Attempts(self.retry, self.timeout if timeout is None else timeout)

    def nobody_answered(self, failure: grpc.RpcError | None) -> Unavailable:
        """The error after connect_timeout; `failure` has what gRPC says about it."""
        details = from_call(failure).message if failure else "it does by now"
        return Unavailable(
            f"no server answered at {self.address} within {self.connect_timeout:g} s; "
            "is foresight-server running there, and does one of the two expect TLS or "
            f"a certificate of the other? ({details})"
        )

    def to_error(self, failure: grpc.RpcError) -> Error:
        """The error of a failed call. gRPC's own errors, which have no reason, do not
        say which server they are about."""
        error = from_call(failure)
        if error.reason:
            return error
        message = error.message
        if error.code is grpc.StatusCode.CANCELLED:
            # This client did not cancel: it does not read the answers to calls
            # that it cancels.
            return Unavailable(f"the server at {self.address} ended the call")
        if error.code is grpc.StatusCode.UNAVAILABLE:
            message = f"no connection to the server at {self.address} ({message})"
        elif error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
            message = f"no answer from the server at {self.address} in time"
        elif error.code is grpc.StatusCode.UNIMPLEMENTED:
            message = f"{self.address} is not a foresight-server's address ({message})"
        elif error.code is grpc.StatusCode.UNAUTHENTICATED and self.token is None:
            message += "; `connect` takes a token or token_file"
        return make_error(error.code, message)

    def _is_local(self) -> bool:
        host = self.address.rpartition(":")[0].strip("[]")
        if self.address.startswith("unix:") or host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def make_stub(channel: Any) -> Any:
    """A stub on a channel of grpc or grpc.aio; the generated code has no types."""
    make: Any = AdaptationStub
    return make(channel)


def _check_pair(certificate: PathLike, key: PathLike) -> None:
    """gRPC would take a broken pair and fail every handshake."""
    try:
        # The empty passphrase keeps OpenSSL from asking the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, "")
    except ssl.SSLError as error:
        raise InvalidArgument(
            f"{key} is not the key of {certificate} without a passphrase"
            f" ({error.reason})"
        ) from None


def _read(path: PathLike | None, kind: str) -> bytes | None:
    """The content of a file that must hold a `kind` in PEM format."""
    if path is None:
        return None
    content = Path(path).read_bytes()
    if not re.search(rb"-----BEGIN ([A-Z]+ )?" + kind.encode() + rb"-----", content):
        raise InvalidArgument(f"{path} holds no {kind.lower()} in PEM format")
    return content
