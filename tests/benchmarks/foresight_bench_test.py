"""foresight-bench writes the rows it prints, and the peers' gradients agree."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = pathlib.Path(os.environ["FORESIGHT_BUILD_DIR"]) / "bin/foresight-bench"
FIELDS = {"dynamics", "particles", "horizon", "sampler_steps", "steps", "engine",
          "precision", "threads", "ms", "gflops", "fraction_of_peak"}


def check_rows(folder):
    path = folder / "rows.json"
    subprocess.run([BENCH, "--json", path, "--seconds", "0", "--cases", "0,1",
                    "--threads", "2"], check=True)
    rows = json.loads(path.read_text())
    for row in rows:
        assert set(row) == FIELDS, row
        assert row["ms"] > 0 and row["gflops"] > 0, row
    seen = {(r["particles"], r["engine"], r["precision"], r["threads"])
            for r in rows}
    for particles in (1, 10):
        for engine in ("fused", "autograd"):
            for threads in (1, 2):
                assert (particles, engine, "fp32", threads) in seen, seen
    # A particle takes 17.2 million multiply-adds, of 2 operations each (computed
    # by hand from the formula).
    ten = next(r for r in rows if r["particles"] == 10)
    assert abs(ten["gflops"] * ten["ms"] / 1e3 - 0.3446) < 1e-3, ten


def check_sessions(folder):
    path = folder / "sessions.json"
    subprocess.run([BENCH, "--json", path, "--seconds", "0", "--cases", "0",
                    "--sessions", "3"], check=True)
    rows = json.loads(path.read_text())
    assert rows and all(
        row["sessions"] == 3 and row["together_ms"] > 0 and row["gain"] > 0
        for row in rows), rows


def check_refusal():
    refused = subprocess.run([BENCH, "--cases", "99"], capture_output=True,
                             text=True)
    assert refused.returncode != 0 and "99" in refused.stderr, refused


def check_peers(folder):
    subprocess.run([BENCH, "--peer-files", folder, "--cases", "1"], check=True)
    environment = {**os.environ, "PYTHONPATH": ":".join(
        [os.environ.get("PYTHONPATH", ""), *peer_paths()])}
    for peer in ("torch:eager", "jax:scan"):
        subprocess.run(
            [sys.executable, ROOT / "benchmarks/peers.py", folder,
             "--seconds", "0", "--rounds", "1", "--bench", BENCH, "--peers",
             peer], check=True, env=environment)


def peer_paths():
    wheels = pathlib.Path(os.environ["PYTHONPATH"].split(":")[0]).parent
    return [str(wheels / "torch"), str(wheels / "peers")]


def main():
    check_refusal()
    with tempfile.TemporaryDirectory() as folder:
        check_rows(pathlib.Path(folder))
        check_sessions(pathlib.Path(folder))
    if not pathlib.Path(peer_paths()[1]).exists():
        print("the peers are not installed (install_dependencies.sh --peers)")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        check_peers(pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
