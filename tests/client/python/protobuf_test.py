"""Runs the tests that make calls, with another version of protobuf.

usage: protobuf_test.py FOLDER_OF_WHEELS

Skipped where deploy/install_dependencies.sh --checks has not put the wheels.
"""

import os
import pathlib
import subprocess
import sys

TESTS = ("aio", "episodes", "policy", "retry", "vector")
SKIPPED = 77


def main():
    wheels = pathlib.Path(sys.argv[1])
    if not wheels.is_dir():
        return SKIPPED
    environment = dict(os.environ)
    environment["PYTHONPATH"] = f"{wheels}:{environment['PYTHONPATH']}"
    folder = pathlib.Path(__file__).resolve().parent

    def run(*arguments):
        subprocess.run([sys.executable, *arguments], check=True, env=environment)

    run("-c", f"import google.protobuf as p; assert p.__file__.startswith('{wheels}')")
    # A warning from protobuf becomes an error in one of its next versions.
    run("-W", "error", "-c", "import foresight")
    for test in TESTS:
        run(folder / f"{test}_test.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
