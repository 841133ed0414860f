#!/usr/bin/env python3
"""Measures what each --durability costs, for docs/durability.md.

64 control loops at 20 Hz ask one server with "none" and others with "interval"
and "each", on a disk and on a Redis that this script starts. The servers take
turns with short runs of foresight-load, so that whatever else the machine does
affects all alike; each ratio is relative to the run with "none" in the same
round.

Also measures how long this disk takes to sync. Nothing else should run
meanwhile.
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from served_load import Server, argument_parser

SYNCS = 200
SYNCED_BYTES = 4096


def parse_arguments():
    parser = argument_parser(__doc__)
    parser.add_argument("--state", type=pathlib.Path,
                        help="folder on the disk to measure (default: the "
                        "system's for temporary files)")
    parser.add_argument("--rounds", type=int, default=6,
                        help="runs of each server (default: 6)")
    parser.add_argument("--duration", default="8s",
                        help="of each run (default: 8s)")
    parser.add_argument("--sessions", type=int, default=64,
                        help="control loops (default: 64)")
    parser.add_argument("--load", default="",
                        help="more options of foresight-load, such as "
                        "\"--particles 1\"")
    return parser.parse_args()


class Redis:
    """A redis-server that syncs its file each second."""

    def __init__(self, folder, port):
        folder.mkdir()
        self.uri = f"redis://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(port),
             "--dir", folder, "--save", "", "--appendonly", "yes",
             "--appendfsync", "everysec"], stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def sync_times_ms(folder):
    """The times of appending a block to a file and syncing it."""
    times = []
    with open(folder / "synced", "wb", buffering=0) as file:
        for _ in range(SYNCS):
            begin = time.perf_counter()
            file.write(b"x" * SYNCED_BYTES)
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - begin))
    return sorted(times)


def run_load(arguments, server, folder):
    result = folder / "load.json"
    subprocess.run(
        [arguments.build / "bin/foresight-load", "--server", server.address,
         "--rate", "20", "--sessions", str(arguments.sessions), "--warm-up",
         "1s", "--duration", arguments.duration, "--quiet", "--json", result,
         *arguments.load.split()],
        check=True, stdout=subprocess.DEVNULL)
    run = json.loads(result.read_text())
    seconds = float(arguments.duration.rstrip("s"))
    return {
        "decisions": run["answered"] / seconds,
        "steps": run["answered"] * run["steps_done_mean"] / seconds,
        "missed": run["missed_fraction"],
        "p50": run["latency_ms"]["p50"],
        "p99": run["latency_ms"]["p99"],
        "host": run["host"],
    }


def ratio(runs, base, key):
    """Median, least and greatest ratio over the rounds."""
    ratios = [run[key] / other[key] for run, other in zip(runs, base)]
    return (f"{statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f})")


def print_table(results):
    print("| server | decisions/s | steps/s | decisions, relative to none: "
          "median (range) | steps, relative | p50 / p99 | missed |")
    print("|---|---|---|---|---|---|---|")
    base = results["none"]
    for name, runs in results.items():
        def median(key):
            return statistics.median(run[key] for run in runs)
        print(f"| {name} | {median('decisions'):.0f} | {median('steps'):.0f} | "
              f"{ratio(runs, base, 'decisions')} | {ratio(runs, base, 'steps')} | "
              f"{median('p50'):.1f} / {median('p99'):.1f} ms | "
              f"{100 * median('missed'):.2f} % |")


def measure(arguments, folder):
    redis = Redis(folder / "redis", free_port())
    servers = {}
    try:
        for place in ("none", "SQLite", "Redis"):
            for durability in ("interval", "each") if place != "none" else ("none",):
                name = place if place == "none" else f"{durability}, {place}"
                own = folder / name.replace(", ", "-")
                state = (["--state", redis.uri] if place == "Redis" else
                         ["--state-dir", own / "state"])
                servers[name] = Server(arguments.build, own, "--durability",
                                       durability, *state)
        results = {name: [] for name in servers}
        for number in range(arguments.rounds):
            # Each round begins with a different server.
            names = list(servers)
            for name in names[number % len(names):] + names[:number % len(names)]:
                print(f"\rround {number + 1} of {arguments.rounds}: {name}\033[K",
                      end="", file=sys.stderr, flush=True)
                results[name].append(run_load(arguments, servers[name], folder))
        print("\r\033[K", end="", file=sys.stderr)
        return results
    finally:
        for server in servers.values():
            server.stop()
        redis.stop()


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(dir=arguments.state) as name:
        folder = pathlib.Path(name)
        syncs = sync_times_ms(folder)
        results = measure(arguments, folder)
    print_table(results)
    host = results["none"][-1]["host"]
    stolen = max(run["host"]["steal_fraction"]
                 for runs in results.values() for run in runs)
    print(f"\n{host['cores']} cores of {host['cpu_model']}, at most "
          f"{100 * stolen:.1f} % stolen; {arguments.sessions} loops at 20 Hz; "
          f"{arguments.rounds} runs of {arguments.duration} each. A sync of "
          f"{SYNCED_BYTES} bytes takes this disk {statistics.median(syncs):.2f} ms "
          f"(p99 {syncs[len(syncs) * 99 // 100]:.2f} ms).")


if __name__ == "__main__":
    main()
