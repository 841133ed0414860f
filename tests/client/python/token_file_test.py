"""A token in a file that is replaced while a client runs."""

import pathlib
import tempfile
import unittest

import foresight
from foresight.token_file import TokenFile
from support.clock import TokenFileClock, replace


class TokenFileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "token"
        self.clock = TokenFileClock(self)

    def test_a_token_is_one_line(self):
        for text in (b"secret", b"secret\n", b"  secret\r\n", b"s" * 4096 + b"\n"):
            replace(self.path, text)
            token = TokenFile(self.path).get()
            self.assertEqual(token, text.decode().strip())

    def test_text_that_is_not_a_token_is_refused_unquoted(self):
        with self.assertRaisesRegex(OSError, str(self.path)):
            TokenFile(self.path)
        for text in (
            *(b"", b"\n", b"secret more", b"secret\nmore", b"secret\x01"),
            *("secret\u00e4".encode(), b"s" * 4097),
        ):
            replace(self.path, text)
            with self.assertRaises(foresight.InvalidArgument) as caught:
                TokenFile(self.path)
            self.assertIn(str(self.path), str(caught.exception))
            self.assertNotIn("secret", str(caught.exception))

    def test_a_replaced_file_is_read_again(self):
        replace(self.path, b"old")
        file = TokenFile(self.path)
        replace(self.path, b"new")
        self.assertEqual(file.get(), "old")  # Within a second of the last look.
        self.clock.look_again()
        self.assertEqual(file.get(), "new")
        # Text that is not a token changes nothing.
        replace(self.path, b"")
        self.clock.look_again()
        self.assertEqual(file.get(), "new")
        self.path.unlink()
        self.clock.look_again()
        self.assertEqual(file.get(), "new")
        replace(self.path, b"newer")
        self.clock.look_again()
        self.assertEqual(file.get(), "newer")

    def test_a_token_is_given_once(self):
        replace(self.path, b"secret")
        with self.assertRaisesRegex(foresight.InvalidArgument, "expected one"):
            foresight.connect("localhost:1", token="other", token_file=self.path)

    def test_a_token_from_a_file_is_not_exposed_either(self):
        replace(self.path, b"secret")
        with self.assertRaisesRegex(foresight.InvalidArgument, "plain text"):
            foresight.connect("192.0.2.1:50051", token_file=self.path)


if __name__ == "__main__":
    unittest.main()
