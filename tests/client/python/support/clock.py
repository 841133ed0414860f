"""A clock for token files, so that no test waits until a file is read again."""

import types
from unittest import mock

from foresight import token_file


class TokenFileClock:
    """Replaces the clock for `test`; stands still until `look_again` is called."""

    def __init__(self, test):
        self._now = 100.0
        stopped = types.SimpleNamespace(monotonic=lambda: self._now)
        test.enterContext(mock.patch.object(token_file, "time", stopped))

    def look_again(self):
        """Lets a second pass: token files are looked at once a second."""
        self._now += 1


def replace(path, content):
    """Replaces the file by a rename, as anyone who rotates a token should."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.rename(path)
