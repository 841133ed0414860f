#!/usr/bin/env python3
"""Measures the load table of docs/scheduling.md: medians of several runs of
foresight-load for each row, against a server of its own, on this machine.

Nothing else should run meanwhile: the table says how busy the machine was.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from served_load import Server, argument_parser

# Name, then arguments of foresight-load besides --rate 20 --deadline 50ms.
ROWS = [
    ("16 loops, defaults", "--sessions 16"),
    ("24 loops, defaults", "--sessions 24"),
    ("64 loops, defaults", "--sessions 64"),
    ("128 loops, defaults", "--sessions 128"),
    ("128 loops, M 1, noise 0", "--sessions 128 --particles 1 --noise-scale 0"),
    ("384 loops, frozen", "--sessions 384 --steps 0"),
    ("512 loops, frozen, over 8 streams",
     "--sessions 512 --steps 0 --stream --connections 8"),
]


def parse_arguments():
    parser = argument_parser(__doc__)
    parser.add_argument("--runs", type=int, default=5,
                        help="runs of each row (default: 5)")
    parser.add_argument("--duration", default="30s",
                        help="of each run (default: 30s)")
    parser.add_argument("--rows", type=int, nargs="*",
                        help="numbers of the rows, from 0 (default: all)")
    return parser.parse_args()


def run_load(arguments, server, row, folder):
    result = pathlib.Path(folder) / "load.json"
    command = [arguments.build / "bin/foresight-load", "--server",
               server.address, "--rate", "20", "--deadline", "50ms",
               "--duration", arguments.duration, "--quiet", "--json", result,
               *row.split()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads(result.read_text())


def describe(name, runs):
    """One line of the table: medians over the runs."""
    def median(value):
        return statistics.median(value(run) for run in runs)

    mean = median(lambda run: run["steps_done_mean"])
    shares = "-"
    if mean > 0:
        lowest = median(
            lambda run: run["steps_done_lowest"] / run["steps_done_mean"])
        highest = median(
            lambda run: run["steps_done_highest"] / run["steps_done_mean"])
        shares = f"{lowest:.2f} to {highest:.2f}"
    missed = 100 * median(lambda run: run["missed_fraction"])
    worst = 100 * max(run["missed_fraction"] for run in runs)
    return (f"| {name} | {missed:.3f} % ({worst:.3f} %) | "
            f"{median(lambda r: r['latency_ms']['p50']):.1f} / "
            f"{median(lambda r: r['latency_ms']['p99']):.1f} ms | "
            f"{mean:.2f} | {shares} | "
            f"{100 * max(run['host']['steal_fraction'] for run in runs):.1f} % |")


def main():
    arguments = parse_arguments()
    rows = arguments.rows if arguments.rows else range(len(ROWS))
    print("| 20 Hz each, deadline 50 ms | missed: median (worst) | p50 / p99 "
          "| steps | of sessions over the mean | stolen, at most |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.build, pathlib.Path(folder) / "server")
        try:
            for number in rows:
                name, row = ROWS[number]
                runs = []
                for run in range(arguments.runs):
                    print(f"\r{name}: run {run + 1} of {arguments.runs} ",
                          end="", file=sys.stderr, flush=True)
                    runs.append(run_load(arguments, server, row, folder))
                print("\r\033[K", end="", file=sys.stderr)
                print(describe(name, runs), flush=True)
        finally:
            server.stop()
    host = runs[-1]["host"]
    print(f"\n{host['cores']} cores of {host['cpu_model']}; "
          f"{arguments.runs} runs of {arguments.duration} each")


if __name__ == "__main__":
    main()
