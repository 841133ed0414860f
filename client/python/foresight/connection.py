"""The address of a server and the credentials for it."""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path
from typing import Any

import grpc

from foresight.errors import Error, InvalidArgument, Unavailable
from foresight.retry import Attempts, Retry
from foresight.token_file import PathLike, TokenFile
from foresight.v1.adaptation_pb2_grpc import AdaptationStub

Metadata = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM format."""

    ca: PathLike | None = None  # Signs servers; None: the authorities gRPC ships.
    certificate: PathLike | None = None  # The client's own, if the server asks.
    key: PathLike | None = None  # Belongs to `certificate`.
    server_name: str | None = None  # In the server's certificate; None: the address.

    def credentials(self) -> grpc.ChannelCredentials:
        if (self.certificate is None) != (self.key is None):
            raise InvalidArgument("certificate and key belong together, got only one")
        return grpc.ssl_channel_credentials(
            _read(self.ca), _read(self.key), _read(self.certificate)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """Errors: InvalidArgument: an empty address, a token that would be exposed, or a
    time that is not positive."""

    address: str  # host:port
    tls: Tls | None = None  # None: plain text, for a server on this machine.
    token: str | TokenFile | None = None
    timeout: float = 10.0  # Seconds of a call with its retries.
    connect_timeout: float = 5.0  # Seconds until a server has to answer at first.
    retry: Retry = Retry()

    def __post_init__(self) -> None:
        if not self.address:
            raise InvalidArgument("the server's address is empty, expected host:port")
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
        return () if token is None else (("authorization", f"Bearer {token}"),)

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
        """The attempts of one call, within `timeout`; None: the connection's."""
        return Attempts(self.retry, self.timeout if timeout is None else timeout)

    def nobody_answered(self, details: Error | None) -> Unavailable:
        """After connect_timeout; `details` is what gRPC says about it."""
        return Unavailable(
            f"no server answered at {self.address} within {self.connect_timeout:g} s; "
            f"is foresight-server running there? ({details})"
        )

    def _is_local(self) -> bool:
        host = self.address.rpartition(":")[0].strip("[]")
        if self.address.startswith("unix:") or host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def make_stub(channel: Any) -> Any:
    """The service over a channel of grpc or grpc.aio; its code has no types."""
    make: Any = AdaptationStub
    return make(channel)


def _read(path: PathLike | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
