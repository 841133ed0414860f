"""The commands of docs/tutorials run as the pages show them, each page's in one
shell, in a folder that looks like a checkout.

usage: tutorials_test.py own-environment | robot-loop | evaluation-farm

A command that installs or builds is left out, since a test has what it needs.
A server listens on a port that the system chooses; its address replaces
127.0.0.1:50051 in the commands.

Skipped without tqdm, which deploy/install_dependencies.sh --checks installs.
"""

import importlib.util
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["FORESIGHT_BUILD_DIR"])
TUTORIALS = ROOT / "docs/tutorials"
SHOWN_ADDRESS = "127.0.0.1:50051"
PATIENCE_S = 240
SKIPPED = 77

PREPARES = re.compile(
    r"(deploy/\w+\.sh|cmake|ninja|python3 -m venv|\. runs/venv|pip install)\b")
# gymnasium imports its window library even if it draws nothing.
SITE = """\
import sys, types, warnings
sys.modules["glfw"] = types.ModuleType("glfw")
warnings.filterwarnings("ignore")
"""


class Page:
    """A page's commands, and a shell to run them in."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.text = (TUTORIALS / f"{name}.md").read_text()
        self.blocks = re.findall(r"```sh\n(.*?)```", self.text, re.S)
        self.output = folder / "output.txt"
        self.done = 0
        for link in ("client", "docs", "models"):
            (folder / link).symlink_to(ROOT / link)
        (folder / "build").mkdir()
        (folder / "build/release").symlink_to(BUILD)
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(SITE)
        environment = dict(os.environ)
        environment["PYTHONPATH"] = f"{site}:{environment['PYTHONPATH']}"

        with self.output.open("w") as output:
            self.shell = subprocess.Popen(
                ["bash", "-eu"], cwd=folder, env=environment, text=True,
                stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True)
        # A page's `PYTHONPATH=x python3` must not hide the packages.
        path = environment["PYTHONPATH"]
        self._send(f'python3() {{ PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{path}"'
                   ' /usr/bin/python3 "$@"; }; export -f python3')

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        os.killpg(self.shell.pid, signal.SIGCONT)
        os.killpg(self.shell.pid, signal.SIGTERM)
        self.shell.wait(PATIENCE_S)
        if kind is not None:
            print(self.output.read_text(), file=sys.stderr)

    def change(self, shown, instead):
        """Replaces what the page shows, to make the test shorter."""
        assert any(shown in block for block in self.blocks), shown
        self.blocks = [block.replace(shown, instead) for block in self.blocks]

    def run_next(self):
        """Runs the next block and returns what it prints."""
        before = len(self.output.read_text())
        block = self.blocks.pop(0).replace("\\\n", " ")
        for line in block.splitlines():
            if not PREPARES.match(line):
                self._send(self._adapt(line))
        self.done += 1
        marker = f"-- block {self.done} is done --"
        self._send(f"echo '{marker}'")
        self.wait_for(re.escape(marker))
        return self.output.read_text()[before:]

    def wait_for(self, pattern, begin=0):
        """Waits until the output has `pattern` after `begin`; returns where."""
        give_up = time.monotonic() + PATIENCE_S
        while not (found := re.compile(pattern).search(
                self.output.read_text(), begin)):
            assert self.shell.poll() is None, f"the shell ended before {pattern}"
            assert time.monotonic() < give_up, f"in vain: {pattern}"
            time.sleep(0.02)
        return found.end()

    def _adapt(self, line):
        if re.match(r"build/release/bin/foresight-server .*&$", line):
            flags = f"--listen 127.0.0.1:0 --metrics-listen off --port-file port &"
            return (f"{line[:-1]} {flags}\n"
                    "until [ -s port ]; do kill -0 $!; sleep 0.02; done\n"
                    "address=$(cat port)")
        return line.replace(SHOWN_ADDRESS, "$address")

    def _send(self, text):
        self.shell.stdin.write(text + "\n")
        self.shell.stdin.flush()


def difference(table):
    """(mean, low, high) of the table's paired difference."""
    found = re.search(r"^difference +(\S+) +\[(\S+), (\S+)\]", table, re.M)
    return tuple(map(float, found.groups()))


def field_names(value):
    for name, inner in value.items():
        yield name
        if isinstance(inner, dict):
            yield from field_names(inner)


def own_environment(page):
    recipe = json.loads((TUTORIALS / "boat/recipe.json").read_text())
    described = (ROOT / "models/README.md").read_text()
    for name in field_names(recipe):
        assert f"`{name}`" in described, f"models/README.md lacks {name}"
    page.run_next()
    recorded = page.run_next()
    assert recorded.split("--")[0].strip() in page.text, recorded
    trained = page.run_next()
    errors = re.search(r"^state, 10 steps +(\S+) \+- \S+ +\S+ +(\S+) +(\S+)$",
                       trained, re.M)
    model, linear, stays = map(float, errors.groups())
    assert model < linear < stays, trained
    assert "policy      4 -> 64 -> 64 -> 2, relu" in trained, trained
    page.run_next()
    compared = page.run_next()
    mean, low, _ = difference(compared)
    assert mean >= low > 0, compared
    other = page.run_next()
    assert difference(other)[1] > 0, other
    assert len(json.loads((page.folder / "runs/boat.json").read_text())["episodes"]) == 5
    tried = page.run_next()
    assert re.findall(r"eta (\S+),", tried) == ["0.001", "0.003", "0.01"], tried


def robot_loop(page):
    program = (ROOT / "client/examples/braking_loop.cc").read_text()
    (shown,) = re.findall(r"```cpp\n(.*?)```", page.text, re.S)
    assert program.endswith(shown), "the page differs from the program"
    page.run_next()
    page.run_next()
    answered = page.wait_for("the server's action\n")
    page.run_next()
    late = page.wait_for("DEADLINE_EXCEEDED.*\n", answered)
    page.run_next()
    page.wait_for("the server's action\n", late)
    counts = re.search(r"steps: (\d+) by the server, (\d+) by the brakes",
                       page.run_next())
    assert all(int(count) > 0 for count in counts.groups()), counts


def evaluation_farm(page):
    page.change("--episodes 5 ", "--episodes 1 --max-steps 20 ")
    page.change("seq 1000 5 1015", "seq 1000 1003")
    page.change("--episodes 20", "--episodes 4")
    page.run_next()
    page.run_next()
    page.run_next()
    gathered = json.loads((page.folder / "runs/farm.json").read_text())
    page.blocks.insert(0, (
        "build/release/bin/foresight-run --server 127.0.0.1:50051 --episodes 4 "
        "--seed 1000 --max-steps 20 --json runs/one.json --quiet\n"))
    page.run_next()
    alone = json.loads((page.folder / "runs/one.json").read_text())
    del alone["latency_ms"]
    assert gathered == alone, (gathered, alone)
    assert len(list((page.folder / "runs/farm").iterdir())) == 4
    table = page.run_next()
    assert "4 episodes, seeds 1000 to 1003" in table, table
    assert difference(table)[0] == round(alone["difference"], 1), table


def main():
    name = sys.argv[1]
    if importlib.util.find_spec("tqdm") is None:
        return SKIPPED
    walk = {"own-environment": own_environment, "robot-loop": robot_loop,
            "evaluation-farm": evaluation_farm}[name]
    with tempfile.TemporaryDirectory() as folder:
        with Page(name, pathlib.Path(folder)) as page:
            walk(page)
            assert not page.blocks, f"not run: {page.blocks}"
    print(f"{name}.md runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
