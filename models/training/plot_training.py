#!/usr/bin/python3
"""Draws how the models' errors on held-out episodes fell during training.

Reads dynamics.csv and reward.csv as foresight-train writes them; the shade is
the standard error over the held-out transitions. With a bundle, the error of a
linear fit is drawn beside that of the dynamics. Needs matplotlib:

    deploy/install_dependencies.sh --plots
    PYTHONPATH=.deps/python:.deps/plots /usr/bin/python3 \\
        models/training/plot_training.py LOGS OUT.svg [--bundle BUNDLE]
"""

import argparse
import csv
import json
import pathlib

import matplotlib

matplotlib.use("Agg")
# Makes equal pictures give equal files.
matplotlib.rcParams["svg.hashsalt"] = "foresight"
import matplotlib.pyplot as plt  # noqa: E402


def read_columns(path):
    """Column name -> numbers, one per evaluation."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise SystemExit(f"{path}: expected lines below the header, got none")
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def draw(axes, columns, name, label, colour):
    """One curve with its standard error."""
    steps = [step / 1000 for step in columns["step"]]
    value, error = columns[name], columns[name + "_error"]
    axes.plot(steps, value, color=colour, label=label)
    axes.fill_between(
        steps,
        [v - e for v, e in zip(value, error)],
        [v + e for v, e in zip(value, error)],
        color=colour,
        alpha=0.25,
        linewidth=0,
    )


def finish(axes, title):
    axes.set_title(title)
    axes.set_xlabel("training steps (thousands)")
    axes.set_ylabel("RMSE on held-out episodes")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def plot(logs, out, bundle=None):
    """Draws the CSVs in the folder `logs` to the file `out`; reward.csv may be
    missing. With the folder of a bundle, a linear fit's error is drawn as
    well."""
    has_reward = (logs / "reward.csv").is_file()
    panels = 2 if has_reward else 1
    figure, axes = plt.subplots(
        1, panels, figsize=(4.5 * panels, 3.6), squeeze=False
    )
    states, rewards = axes[0][0], axes[0][-1]
    dynamics = read_columns(logs / "dynamics.csv")
    for name, colour in (("1", "C0"), ("5", "C1"), ("10", "C2")):
        label = f"{name} step" + ("s" if name != "1" else "")
        draw(states, dynamics, f"state_rmse_{name}", label, colour)
    if bundle:
        manifest = json.loads((bundle / "bundle.json").read_text())
        linear = manifest["provenance"]["measured"]["linear_rmse_1"]
        states.axhline(
            linear, color="C0", linestyle="--", label="linear fit, 1 step"
        )
    finish(states, "dynamics: next state, raw units")
    if has_reward:
        reward = read_columns(logs / "reward.csv")
        draw(rewards, reward, "reward_rmse", "reward", "C3")
        finish(rewards, "reward, raw units")
    save(figure, out)


def save(figure, out):
    figure.tight_layout()
    metadata = {"Date": None} if out.suffix == ".svg" else None
    figure.savefig(out, dpi=120, metadata=metadata)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=pathlib.Path, help="folder of the CSVs")
    parser.add_argument("out", type=pathlib.Path, help="a .svg or .png file")
    parser.add_argument("--bundle", type=pathlib.Path, help="trained bundle")
    arguments = parser.parse_args()
    plot(arguments.logs, arguments.out, arguments.bundle)


if __name__ == "__main__":
    main()
