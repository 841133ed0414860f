"""Shows an evaluation's progress on standard error."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self


class Progress:
    """Counts steps and episodes, and draws a bar if it is `shown`. Thread-safe."""

    def __init__(self, episodes: int, steps_each: int, *, shown: bool) -> None:
        self._steps_each = steps_each
        self._episodes = episodes
        self._done = 0
        self._lock = threading.Lock()
        self._bar: Any = None
        if shown:
            from tqdm import tqdm  # In the extra [gymnasium].

            self._bar = tqdm(total=episodes * steps_each, unit=" steps", leave=False)
            self._describe()

    def add_step(self) -> None:
        if self._bar is not None:
            with self._lock:
                self._bar.update()

    def finish_episode(self, steps: int) -> None:
        """Records that an episode has ended after `steps` steps."""
        if self._bar is not None:
            with self._lock:
                self._done += 1
                self._bar.total -= self._steps_each - steps
                self._describe()

    def _describe(self) -> None:
        self._bar.set_description(f"episodes {self._done}/{self._episodes}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
