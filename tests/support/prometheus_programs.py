"""Where Prometheus' programs are."""

import os
import pathlib
import shutil


def find(program):
    """The path of "prometheus" or "promtool", or None."""
    unpacked = pathlib.Path(os.environ["FORESIGHT_DEPS"]) / "prometheus" / program
    return str(unpacked) if unpacked.exists() else shutil.which(program)
