"""The real server with the shipped model, for tests in Python. Starting it also
checks that its whole log is JSON."""

import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ["FORESIGHT_BUILD_DIR"]) / "bin"
MODEL = ROOT / "models/pretrained/halfcheetah-medium-replay"
PATIENCE_S = 60
SKIPPED = 77  # The exit code of a test that cannot run here.


def wait_for(condition, what):
    """The first true value of condition()."""
    give_up = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < give_up, f"in vain: {what}"
        time.sleep(0.02)
    return value


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


class Server:
    """Serves from __enter__ to __exit__. `events` are its log's lines."""

    def __init__(self, *options):
        self.command = [
            BIN / "foresight-server", "--model", MODEL, "--listen", "127.0.0.1:0",
            "--metrics-listen", "127.0.0.1:0", "--log-format", "json", *options]
        self.events = []
        self.bad_lines = []

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        try:
            self.address = wait_for(
                lambda: self._address("listening"), "the server listens")
            self.metrics_address = self._address("serving metrics")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()
        assert self.process.returncode == 0, self.process.returncode
        assert not self.bad_lines, f"no JSON events: {self.bad_lines}"

    def _stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.reader.join()

    def _read(self):
        for line in self.process.stderr:
            try:
                event = json.loads(line)
                assert {"time", "severity", "event"} <= event.keys(), line
                self.events.append(event)
            except (ValueError, AssertionError):
                self.bad_lines.append(line)

    def _address(self, name):
        assert self.process.poll() is None, f"it ended: {self.bad_lines}"
        return next(
            (e["address"] for e in self.events if e["event"] == name), None)

    def metrics(self):
        """The text of /metrics."""
        return get(f"http://{self.metrics_address}/metrics")


def families(text):
    """{name: (type, labels)} of the metrics in Prometheus' text format."""
    found = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
        own = rf"^{name}(?:_bucket|_sum|_count)?(?:{{(.*)}})? \S+$"
        labels = set()
        for sample in re.findall(own, text, re.M):
            labels |= set(re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', sample))
        found[name] = (kind, labels - {"le"})
    return found


def sample_names(text):
    """The names that queries may use."""
    return set(re.findall(r"^([a-z]\w*)(?:{.*})? \S+$", text, re.M))


def metrics_in(expressions):
    """The metrics of foresight and of the process that a PromQL text names."""
    return set(re.findall(r"\b(?:foresight|process)_\w+", expressions))
