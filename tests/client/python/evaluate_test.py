"""evaluate and its command line give foresight-run's comparison, number by number.

Skipped without tqdm, which deploy/install_dependencies.sh --checks installs.
"""

import contextlib
import importlib.util
import io
import json
import re
import signal
import subprocess
import sys
import types
import unittest
import warnings

# gymnasium imports its window library even when it draws nothing.
sys.modules.setdefault("glfw", types.ModuleType("glfw"))
warnings.filterwarnings("ignore")
if importlib.util.find_spec("tqdm") is None:
    sys.exit(77)

import foresight
from foresight import cli
from foresight.bootstrap import bootstrap_interval, mersenne_twister_64
from support.served import PATIENCE_S, PROGRAMS, ServedTest
from support.walk import Walk


class EvaluateTest(ServedTest):
    def evaluate(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(["evaluate", "--server", self.address, *arguments])
        return code, out.getvalue(), err.getvalue()

    def test_the_same_numbers_as_foresight_run(self):
        arguments = ["--episodes", "3", "--seed", "5", "--max-steps", "20"]
        arguments += ["--horizon", "3", "--noise-scale", "0.5", "--mode", "persist"]
        mine, run = self.folder / "mine", self.folder / "run"
        code, table, progress = self.evaluate(
            *arguments, "--json", f"{mine}.json", "--csv", f"{mine}.csv"
        )
        self.assertEqual(code, 0)
        self.assertIn("episodes 6/6", progress)
        printed = subprocess.run(
            [PROGRAMS / "foresight-run", "--server", self.address, *arguments]
            + ["--quiet", "--json", f"{run}.json", "--csv", f"{run}.csv"],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        results = [
            json.loads(name.with_suffix(".json").read_text()) for name in (mine, run)
        ]
        for result in results:
            self.assertEqual(result["latency_ms"].keys(), {"p50", "p99"})
            del result["latency_ms"]
        self.assert_close(*results)
        tables = [
            name.with_suffix(".csv").read_text().splitlines() for name in (mine, run)
        ]
        self.assertEqual(tables[0][0], tables[1][0])
        for lines in zip(*tables, strict=True):
            cells = [line.split(",") for line in lines]
            for column in (0, 1, 2, 3, 6, 7, 8):  # Without the latencies.
                self.assertEqual(cells[0][column], cells[1][column])
        for line, expected in zip(
            table.splitlines(), printed.splitlines()[1:], strict=True
        ):
            words = len(expected.split("ms")[0].split())
            columns = slice(0, 6 if "+-" in expected else words)  # No latencies.
            self.assertEqual(line.split()[columns], expected.split()[columns])

    def assert_close(self, mine, expected):
        """Equal but for the last bits, which depend on the order of additions."""
        self.assertEqual(list(mine), list(expected))
        for name, value in expected.items():
            if name == "episodes":
                for pair in zip(mine[name], value, strict=True):
                    self.assert_close(*pair)
            elif isinstance(value, list):
                for pair in zip(mine[name], value, strict=True):
                    self.assertAlmostEqual(*pair, delta=1e-9)
            elif isinstance(value, float):
                self.assertAlmostEqual(mine[name], value, delta=1e-9)
            else:
                self.assertEqual(mine[name], value)

    def test_environments_of_ones_own(self):
        comparison = foresight.evaluate(
            Walk, 2, self.address, seed=3, parallel=1, horizon=1
        )
        self.assertEqual(comparison.environment, "Walk")
        self.assertEqual([pair.seed for pair in comparison.episodes], [3, 4])
        self.assertEqual(comparison.adapted.mean, 6)
        self.assertEqual(comparison.difference, 0)
        self.assertEqual(comparison.interval, (0, 0))
        self.assertIsNone(comparison.adapted.score)
        self.assertEqual(comparison.frozen.outcomes, {foresight.Outcome.FROZEN: 6})
        single = foresight.evaluate(Walk, 1, self.address, horizon=1)
        self.assertIsNone(single.interval)
        self.assertIn("difference", str(single))

    def test_a_failure_ends_the_run_and_says_where(self):
        class Broken(Walk):
            def _observe(self):
                observation = super()._observe()
                return observation * (float("nan") if self.step_count == 2 else 1)

        with self.assertRaises(foresight.InvalidArgument) as caught:
            foresight.evaluate(Broken, 3, self.address, horizon=1)
        self.assertEqual(caught.exception.reason, "OBSERVATION_INVALID")
        self.assertRegex(caught.exception.__notes__[0], "(frozen|adapted) episode")

    def test_mistakes_are_told(self):
        for arguments, message in (
            (["--horizon", "99"], "settings.horizon is 99, expected 1..64"),
            (["--environment", "Nothing-v0"], "Nothing"),
            (["--environment", "CartPole-v1"], "another environment"),
            (["--json", "/nothing/here"], "/nothing/here"),
            (["--tls-cert", "file"], "--tls-ca"),
        ):
            code, out, err = self.evaluate("--quiet", "--episodes", "1", *arguments)
            self.assertEqual((code, out), (1, ""))
            self.assertIn("foresight evaluate: ", err)
            self.assertIn(message, err)
        for arguments in (["--episodes", "0"], ["--budget", "-1"], ["--nothing"]):
            with self.assertRaises(SystemExit) as caught:
                self.evaluate(*arguments)
            self.assertEqual(caught.exception.code, 2)

    def test_help_names_every_flag_of_foresight_run(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), self.assertRaises(SystemExit):
            cli.main(["evaluate", "--help"])
        for flag in ("--server", "--episodes", "--step-size", "--json", "--token-file"):
            self.assertIn(flag, out.getvalue())


class InterruptTest(ServedTest):
    flags = ("--max-sessions", "2")

    def test_an_interrupt_closes_the_sessions(self):
        program = (
            "import sys, types; sys.modules['glfw'] = types.ModuleType('glfw')\n"
            "from foresight.cli import main; sys.exit(main())"
        )
        run = subprocess.Popen(
            [sys.executable, "-c", program, "evaluate", "--server", self.address]
            + ["--episodes", "20", "--parallel", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            text=True,
        )
        shown = ""
        while not re.search(r"[1-9]\d*/40000", shown):  # The bar: it plays.
            shown += run.stderr.read(1)
            self.assertIsNone(run.poll(), shown)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE_S)
        self.assertEqual((run.returncode, out), (130, ""))
        self.assertIn("interrupted; sessions are closed", err)
        self.server.policy()
        self.server.policy()


class BootstrapTest(unittest.TestCase):
    def test_the_generator_is_the_standards(self):
        # [rand.predef]: the 10000th value of a default-constructed mt19937_64.
        self.assertEqual(mersenne_twister_64(5489, 10000)[-1], 9981545732273789042)

    def test_the_interval_of_equal_values_is_the_value(self):
        self.assertEqual(bootstrap_interval([2.0, 2.0, 2.0]), (2.0, 2.0))


if __name__ == "__main__":
    unittest.main()
