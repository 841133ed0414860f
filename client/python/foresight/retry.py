"""Decides when and how often a failed call is tried again."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Sequence

from foresight.errors import Error, InvalidArgument, make_error


@dataclasses.dataclass(frozen=True, slots=True)
class Retry:
    """The waits double, from initial_backoff to max_backoff. Each is shortened at
    random by up to half, so that clients do not come back all at once."""

    max_attempts: int = 4  # >= 1; 1: no retry.
    initial_backoff: float = 0.05  # Seconds.
    max_backoff: float = 1.0  # Seconds.

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InvalidArgument(
                f"max_attempts is {self.max_attempts}, expected 1 or more"
            )


class Attempts:
    """The attempts of one call, within its timeout."""

    def __init__(self, retry: Retry, timeout: float) -> None:
        self._retry = retry
        self._deadline = time.monotonic() + timeout
        self._failed = 0

    @property
    def remaining(self) -> float:
        """Seconds left for the next attempt."""
        return max(self._deadline - time.monotonic(), 0)

    def wait_after(self, errors: Sequence[Error]) -> float:
        """Seconds to wait after an attempt that ended with `errors`, at least one.

        Raises the first error that another attempt would not mend, or the first
        one if there is neither time nor an attempt left.
        """
        self._failed += 1
        for error in errors:
            if not error.retryable:
                raise error
        full = self._retry.initial_backoff * 2.0 ** min(self._failed - 1, 30)
        wait = min(full, self._retry.max_backoff) * random.uniform(0.5, 1)
        wait = max(wait, *(error.retry_after or 0 for error in errors))
        if self._failed < self._retry.max_attempts and wait < self.remaining:
            return wait
        error = errors[0]
        if self._failed == 1:
            raise error
        raise make_error(
            error.code,
            f"{error.message} (tried {self._failed} times)",
            error.reason,
            error.retry_after,
            error.next_decision,
        )
