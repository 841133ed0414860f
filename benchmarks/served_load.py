"""A server for runs of foresight-load, for the scripts that measure loads."""

import argparse
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models/pretrained/halfcheetah-medium-replay"
PATIENCE_S = 30


def argument_parser(description):
    """A parser with --build."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path,
                        default=ROOT / "build/release",
                        help="build folder (default: build/release)")
    return parser


def wait_for(condition, process, what):
    """Ends this program if `process` ends, or PATIENCE_S pass, before the
    condition holds."""
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        if process.poll() is not None or time.monotonic() > give_up:
            sys.exit(f"{what} does not start")
        time.sleep(0.02)


class Server:
    """A foresight-server on a port that the system chooses. Creates `folder` for
    its log."""

    def __init__(self, build, folder, *options):
        folder.mkdir()
        port_file = folder / "port"
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(
            [build / "bin/foresight-server", "--model", MODEL,
             "--listen", "127.0.0.1:0", "--metrics-listen", "off",
             "--port-file", port_file, *options], stderr=self.log)
        # The file exists before its content is written.
        wait_for(lambda: port_file.exists() and port_file.read_text().strip(),
                 self.process, f"foresight-server (see {self.log.name})")
        self.address = port_file.read_text().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
