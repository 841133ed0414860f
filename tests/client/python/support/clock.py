"""A clock for token files, so that no test waits to look at one again."""

import types
from unittest import mock

from foresight import token_file


class TokenFileClock:
    """Stands still until `look_again` is called; for the test that makes it."""

    def __init__(self, test):
        self._now = 100.0
        stopped = types.SimpleNamespace(monotonic=lambda: self._now)
        test.enterContext(mock.patch.object(token_file, "time", stopped))

    def look_again(self):
        """Token files are looked at once a second."""
        self._now += 1


def replace(path, content):
    """By rename, as anyone who rotates a token should do it."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.rename(path)
