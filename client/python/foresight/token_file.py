"""A bearer token that is kept in a file."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from foresight.errors import InvalidArgument

PathLike = str | os.PathLike[str]
_MAX_TOKEN_BYTES = 4096


class TokenFile:
    """Reads the file again after it is replaced, so that a running client's token can
    be rotated. No message quotes the token.

    Thread-safe.

    Errors: OSError: the file cannot be read. InvalidArgument: it does not hold one
    token: printable ASCII, at most 4096 characters, no spaces.
    """

    def __init__(self, path: PathLike) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._seen = self._state()
        self._token = self._read()

    def get(self) -> str:
        """The token. Looks at the file at most once a second; if the file no longer
        holds a token, the last one stays."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= 1:
                self._looked = now
                self._look()
            return self._token

    def _look(self) -> None:
        try:
            state = self._state()
            if state != self._seen:
                # A file without a token is read again only after its next change.
                self._seen = state
                self._token = self._read()
        except (OSError, InvalidArgument):
            pass

    def _state(self) -> tuple[int, ...]:
        """A value that differs once the file has changed."""
        found = self._path.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _read(self) -> str:
        with self._path.open("rb") as file:
            text = file.read(_MAX_TOKEN_BYTES + 2).strip()  # A line end may follow.
        check_token(str(self._path), text)
        return text.decode("ascii")


def check_token(holder: str, text: bytes) -> None:
    """Errors: InvalidArgument: `text` is not a token; the message names only its
    `holder`."""
    if not 0 < len(text) <= _MAX_TOKEN_BYTES or not all(
        0x21 <= byte <= 0x7E for byte in text
    ):
        raise InvalidArgument(
            f"{holder} does not hold one token, expected one line of at most "
            f"{_MAX_TOKEN_BYTES} printable ASCII characters"
        )


def choose_token(token: str | None, file: PathLike | None) -> str | TokenFile | None:
    """The token that a caller gave, itself or in a file.

    Errors: InvalidArgument: both are given. Also those of TokenFile.
    """
    if file is None:
        return token
    if token is not None:
        raise InvalidArgument("token and token_file are both given, expected one")
    return TokenFile(file)
