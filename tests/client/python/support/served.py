"""A foresight-server for the tests of one file."""

import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import foresight

ROOT = pathlib.Path(__file__).resolve().parents[4]
PROGRAMS = pathlib.Path(os.environ["FORESIGHT_BUILD_DIR"]) / "bin"
MODEL = ROOT / "models/pretrained/halfcheetah-medium-replay"
OBSERVATION_SIZE, ACTION_SIZE = 17, 6
PATIENCE_S = 60  # Machines that run tests are slow at times.


def serve(port_file, *flags, address="127.0.0.1:0"):
    """Starts a foresight-server; returns its process and its address once it serves."""
    process = subprocess.Popen(
        [PROGRAMS / "foresight-server", "--model", MODEL]
        + ["--listen", address, "--metrics-listen", "off"]
        + ["--port-file", port_file, *flags]
    )
    give_up = time.monotonic() + PATIENCE_S
    while not port_file.exists():
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < give_up, "the server does not serve"
        time.sleep(0.01)
    return process, port_file.read_text().strip()


class ServedTest(unittest.TestCase):
    """Starts a server for the class and connects to it."""

    flags: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        port_file = cls.folder / "port"
        process, cls.address = serve(port_file, *cls.flags)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.terminate)

    def setUp(self):
        self.server = foresight.connect(self.address, timeout=PATIENCE_S)
        self.addCleanup(self.server.close)
