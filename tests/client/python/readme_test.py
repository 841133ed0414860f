"""The examples of client/python/README.md run as they stand."""

import importlib.util
import re
import subprocess
import sys
import unittest

from support.served import ROOT, ServedTest

README = ROOT / "client/python/README.md"
PRELUDE = """\
import sys, types, warnings
sys.modules["glfw"] = types.ModuleType("glfw")  # gymnasium imports it, to draw.
warnings.filterwarnings("ignore")
import numpy
observation = numpy.zeros(17)
"""


class ReadmeTest(ServedTest):
    def test_examples_run(self):
        text = README.read_text().replace("127.0.0.1:50051", self.address)
        blocks = re.findall(r"```python\n(.*?)```", text, re.S)
        self.assertEqual(len(blocks), 7)
        for block in blocks:
            with self.subTest(block):
                if "stable_baselines3" in block and not importlib.util.find_spec(
                    "stable_baselines3"
                ):
                    continue
                if "ca.pem" in block:  # security_test has such a server.
                    continue
                run = subprocess.run(
                    [sys.executable, "-c", PRELUDE + block],
                    capture_output=True,
                    cwd=self.folder,
                    text=True,
                )
                self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_commands_flags_exist(self):
        (command,) = re.findall(r"^python -m foresight (.*)#", README.read_text(), re.M)
        help_text = subprocess.run(
            [sys.executable, "-m", "foresight", "evaluate", "--help"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for flag in re.findall(r"--[\w-]+", command):
            self.assertIn(flag, help_text)


if __name__ == "__main__":
    unittest.main()
