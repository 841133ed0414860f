"""TLS, client certificates and tokens."""

import asyncio
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import grpc
import numpy as np

import foresight
import foresight.aio
from support.certificates import make_authority, make_certificate
from support.clock import TokenFileClock, replace
from support.fake_server import FakeAdaptation, serving
from support.served import OBSERVATION_SIZE, PROGRAMS, ROOT, ServedTest

README = ROOT / "client/python/README.md"
TOKEN = "a-token-for-tests"


class Certificates:
    def __init__(self, folder):
        self.authority = make_authority(folder, "authority")
        self.stranger = make_authority(folder, "stranger")
        self.server, self.server_key = make_certificate(
            folder, "server", self.authority
        )
        self.client, self.client_key = make_certificate(
            folder, "client", self.authority
        )

    def tls(self):
        return foresight.Tls(
            ca=self.authority, certificate=self.client, key=self.client_key
        )


def make_certificates(test):
    folder = tempfile.TemporaryDirectory()
    test.addClassCleanup(folder.cleanup)
    return Certificates(pathlib.Path(folder.name))


class FakeServerTest(unittest.TestCase):
    """Against a server that asks for client certificates."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = make_certificates(cls)
        pair = (cls.certificates.server_key, cls.certificates.server)
        credentials = grpc.ssl_server_credentials(
            [tuple(path.read_bytes() for path in pair)],
            cls.certificates.authority.read_bytes(),
            require_client_auth=True,
        )
        cls.fake = FakeAdaptation()
        cls.address = cls.enterClassContext(serving(cls.fake, credentials))

    def act(self, **options):
        with foresight.connect(self.address, **options) as server:
            with server.policy() as policy, server.vector_policy(1) as vector:
                return policy([3, 0]).tolist(), vector([[4, 0]]).tolist()

    def test_a_client_with_a_certificate_is_served(self):
        actions = self.act(tls=self.certificates.tls())
        self.assertEqual(actions, ([3, 0], [[4, 0]]))
        self.assertNotIn("authorization", self.fake.metadata[-1])

    def test_every_call_shows_the_token(self):
        self.act(tls=self.certificates.tls(), token=TOKEN)
        self.assertEqual(self.fake.metadata[-1]["authorization"], f"Bearer {TOKEN}")

        async def act():
            tls = self.certificates.tls()
            async with (
                foresight.aio.connect(
                    self.address, tls=tls, token=TOKEN + "2"
                ) as server,
                server.policy() as policy,
            ):
                return (await policy([3, 0])).tolist()

        self.assertEqual(asyncio.run(act()), [3, 0])
        self.assertEqual(self.fake.metadata[-1]["authorization"], f"Bearer {TOKEN}2")

    def test_a_replaced_token_file_is_shown_by_later_calls(self):
        file = self.certificates.authority.with_suffix(".token")
        tls = self.certificates.tls()
        clock = TokenFileClock(self)

        def rotate(token):
            replace(file, token.encode())
            clock.look_again()

        def shown():
            return self.fake.metadata[-1]["authorization"].removeprefix("Bearer ")

        rotate("first")
        with foresight.connect(self.address, tls=tls, token_file=file) as server:
            server.policy().close()
            self.assertEqual(shown(), "first")
            rotate("second")
            server.policy().close()
            self.assertEqual(shown(), "second")

        async def act():
            async with foresight.aio.connect(
                self.address, tls=tls, token_file=file
            ) as server:
                await (await server.policy()).close()
                self.assertEqual(shown(), "second")
                rotate("third")
                await (await server.policy()).close()
                self.assertEqual(shown(), "third")

        asyncio.run(act())

    def test_strangers_are_refused_on_either_side(self):
        stranger = foresight.Tls(ca=self.certificates.stranger)
        anonymous = foresight.Tls(ca=self.certificates.authority)
        for tls in (stranger, anonymous, None):
            with self.assertRaisesRegex(foresight.Unavailable, self.address):
                self.act(tls=tls, connect_timeout=0.5)

    def test_a_certificate_needs_its_key(self):
        tls = foresight.Tls(
            ca=self.certificates.authority, certificate=self.certificates.client
        )
        with self.assertRaisesRegex(foresight.InvalidArgument, "key"):
            self.act(tls=tls)

    def test_the_key_belongs_to_the_certificate(self):
        key = self.certificates.server_key
        tls = foresight.Tls(
            ca=self.certificates.authority,
            certificate=self.certificates.client,
            key=key,
        )
        message = f"{key} is not the key of {self.certificates.client}"
        with self.assertRaisesRegex(foresight.InvalidArgument, message):
            self.act(tls=tls)

    def test_files_that_are_not_pem_are_named(self):
        key = self.certificates.client_key
        for tls in (
            foresight.Tls(ca=key),
            foresight.Tls(ca=self.certificates.authority, certificate=key, key=key),
        ):
            message = f"{key} holds no certificate"
            with self.assertRaisesRegex(foresight.InvalidArgument, message):
                self.act(tls=tls)


class TokenTest(unittest.TestCase):
    def test_wrong_tokens_are_refused_but_not_quoted(self):
        for token in ("", "two words", "secret\n", "sécret", "s" * 5000):
            with self.assertRaisesRegex(foresight.InvalidArgument, "one line") as caught:
                foresight.connect(token=token)
            self.assertNotIn("cret", str(caught.exception))

    def test_no_token_travels_to_other_machines_in_plain_text(self):
        for address in ("example.org:50051", "192.0.2.1:50051", "[2001:db8::1]:1"):
            with self.assertRaisesRegex(foresight.InvalidArgument, "plain text"):
                foresight.connect(address, token=TOKEN)
            foresight.connect(address, token=TOKEN, tls=foresight.Tls())
        for address in ("localhost:1", "127.0.0.2:1", "[::1]:1", "unix:/tmp/socket"):
            foresight.connect(address, token=TOKEN)


def served_flags():
    text = subprocess.run(
        [PROGRAMS / "foresight-server", "--help"], capture_output=True, text=True
    ).stdout
    return text


@unittest.skipUnless("--tls-cert" in served_flags(), "the server has no TLS yet")
class RealServerTest(ServedTest):
    @classmethod
    def setUpClass(cls):
        cls.certificates = make_certificates(cls)
        tokens = cls.certificates.authority.with_suffix(".tokens")
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        tokens.write_text(f"tester act {digest}\n")
        cls.flags = (
            *("--tls-cert", cls.certificates.server),
            *("--tls-key", cls.certificates.server_key),
            *("--tls-client-ca", cls.certificates.authority),
            *("--tokens", tokens),
        )
        super().setUpClass()

    def test_a_client_with_certificate_and_token_is_served(self):
        tls = self.certificates.tls()
        with foresight.connect(self.address, tls=tls, token=TOKEN) as server:
            with server.policy() as policy:
                policy(np.zeros(OBSERVATION_SIZE))

    def test_the_readmes_example_connects(self):
        (example,) = (
            block
            for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
            if "ca.pem" in block
        )
        token = self.certificates.authority.with_suffix(".token")
        token.write_text(TOKEN + "\n")
        for name, value in {
            "ca.pem": self.certificates.authority,
            "client.pem": self.certificates.client,
            "client.key": self.certificates.client_key,
            "alice.token": token,
            "robots.example.org:50051": self.address,
        }.items():
            self.assertEqual(example.count(f'"{name}"'), 1, name)
            example = example.replace(f'"{name}"', f'"{value}"')
        subprocess.run(
            [sys.executable, "-c", example + "server.policy().close()"], check=True
        )

    def test_a_wrong_token_is_refused(self):
        tls = self.certificates.tls()
        for token, message in (("wrong", "token is not known"), (None, "token_file")):
            with foresight.connect(self.address, tls=tls, token=token) as server:
                with self.assertRaisesRegex(foresight.Unauthenticated, message):
                    server.policy()


if __name__ == "__main__":
    unittest.main()
