#!/usr/bin/python3
"""Draws the figures and writes the tables of RESULTS.md from the logs.

A table stands between the lines "<!-- begin KIND ARGUMENTS -->" and
"<!-- end -->"; everything else in RESULTS.md stays as it is. KIND is a name in
KINDS. To add a bundle, put it beside RESULTS.md, put its logs into logs/NAME
and run this: a section with all its tables is appended. The logs:

    dynamics.csv, reward.csv  from the --work folder of foresight-train fit; no
                              reward.csv if the reward is another bundle's
    evaluation.csv            foresight-run --csv, on the evaluation seeds
    sweep*.json               foresight-run --sweep --json
    latency.csv               foresight-run --csv, with nothing else running
    bundle.json               only if the bundle itself is not in the tree

Needs matplotlib:

    deploy/install_dependencies.sh --plots
    PYTHONPATH=.deps/python:.deps/plots /usr/bin/python3 \\
        models/pretrained/regenerate.py [--check]

--check writes nothing and fails if something is not as the logs say.
"""

import argparse
import csv
import filecmp
import functools
import importlib.util
import json
import math
import pathlib
import re
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRETRAINED = ROOT / "models/pretrained"
STEP_LIMIT = 1000  # All three environments have it.
STRIDE, LAST = 20000, 200000  # The evaluations that the tables show.


def load(path):
    """Loads a module from its file, since importing its package needs gRPC."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bootstrap = load(ROOT / "client/python/foresight/bootstrap.py")
scores = load(ROOT / "client/python/foresight/scores.py")
plot_training = load(ROOT / "models/training/plot_training.py")


# --- Numbers as text ---------------------------------------------------------
def pair(value, error):
    """The value and its error, to two digits of the error."""
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 4
    return f"{value:.{digits}f} +- {error:.{digits}f}"


def interval(difference, low, high):
    return f"{difference:+,.1f} [{low:+,.1f}, {high:+,.1f}]"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    while "|  |" in text:
        text = text.replace("|  |", "| |")
    return text.replace("| --- ", "|---").replace("|--- |", "|---|")


@functools.lru_cache
def bootstrap_interval(differences):
    return bootstrap.bootstrap_interval(differences)


# --- The logs of one bundle --------------------------------------------------
class Bundle:
    def __init__(self, name, folder=PRETRAINED):
        self.name = name
        self.logs = folder / "logs" / name
        for parent in (folder / name, self.logs):
            if (parent / "bundle.json").is_file():
                self.folder = parent
                break
        else:
            raise SystemExit(
                f"{name}: found bundle.json neither in {folder / name} nor in "
                f"{self.logs}, expected it in one of them"
            )
        manifest = json.loads((self.folder / "bundle.json").read_text())
        self.kind = manifest["dynamics"]["kind"]
        self.environment = manifest["provenance"]["environment"]
        data = manifest["provenance"]["data"]  # "NAME.hdf5, ROWS rows, sha256 .."
        self.data = data.split(".hdf5")[0]
        if ", the first " in data:
            self.data += ", " + data.split(", ")[1]
        self.measured = manifest["provenance"]["measured"]

    def has(self, file):
        return (self.logs / file).is_file()

    def columns(self, file):
        return plot_training.read_columns(self.logs / file)

    def score(self, value):
        return scores.normalised_score(self.environment, value)


def near(columns, step):
    """The row of the evaluation nearest to a training step."""
    steps = columns["step"]
    return min(range(len(steps)), key=lambda row: abs(steps[row] - step))


def cell(columns, name, step):
    row = near(columns, step)
    at = columns["step"][row]
    if abs(at - step) > STRIDE / 2:
        return ""
    text = pair(columns[name][row], columns[name + "_error"][row])
    return text if at == step else f"{text} (at {at:,.0f})"


# --- Tables ------------------------------------------------------------------
def world_model(bundle):
    """The errors of the finished models."""
    found = bundle.measured
    rows = []
    for steps in ("1", "5", "10"):
        name = f"state_rmse_{steps}"
        rows.append(
            [
                f"state, {steps} step" + ("s" if steps != "1" else ""),
                pair(found[name], found[name + "_error"]),
                f"{found[name + '_worst']:.2f}",
                f"{found['linear_rmse_' + steps]:.3f}",
                f"{found['stays_rmse_' + steps]:.3f}",
            ]
        )
    reward = pair(found["reward_rmse"], found["reward_rmse_error"])
    worst = ""
    if bundle.has("reward.csv"):
        worst = f"{bundle.columns('reward.csv')['reward_rmse_worst'][-1]:.2f}"
    rows.append(["reward", reward, worst, "", ""])
    header = ["", "model", "worst row", "linear fit", '"the state stays"']
    return table(header, rows)


def errors(bundle):
    """One-step errors in the course of training."""
    curves = {"state, 1 step": (bundle.columns("dynamics.csv"), "state_rmse_1")}
    if bundle.has("reward.csv"):
        curves["reward"] = (bundle.columns("reward.csv"), "reward_rmse")
    last = max(columns["step"][-1] for columns, _ in curves.values())
    rows = [
        [f"{step:,}"]
        + [cell(columns, name, step) for columns, name in curves.values()]
        for step in range(STRIDE, min(int(last), LAST) + 1, STRIDE)
    ]
    return (
        f"![errors during training](figures/{bundle.name}.svg)\n\n"
        + table(["training steps", *curves], rows)
    )


class Evaluation:
    """The episodes of a file that foresight-run --csv wrote."""

    def __init__(self, bundle, file):
        path = bundle.logs / file
        with open(path, newline="", encoding="utf-8") as opened:
            self.rows = list(csv.DictReader(opened))
        if len(self.rows) < 2:
            raise SystemExit(f"{path}: {len(self.rows)} episodes, expected at least 2")
        differences = [
            adapted - frozen
            for frozen, adapted in zip(
                self.values("frozen_return"), self.values("adapted_return")
            )
        ]
        self.difference = statistics.mean(differences)
        self.interval = bootstrap_interval(tuple(differences))

    def values(self, name):
        return [float(row[name]) for row in self.rows]


def evaluation(bundle, file="evaluation.csv"):
    found = Evaluation(bundle, file)
    rows = []
    for variant in ("frozen", "adapted"):
        returns = found.values(variant + "_return")
        steps = found.values(variant + "_steps")
        mean = statistics.mean(returns)
        error = bootstrap.standard_error(returns)
        rows.append(
            [
                variant,
                f"{mean:,.1f} +- {error:,.1f}",
                f"{bundle.score(mean):.1f}",
                str(sum(value < STEP_LIMIT for value in steps)),
                f"{statistics.mean(steps):,.1f}",
            ]
        )
    seeds = [int(row["seed"]) for row in found.rows]
    return (
        table(["", "return", "score", "fell", "steps"], rows)
        + f"\n\n{len(seeds)} episodes, seeds {seeds[0]} to {seeds[-1]}. The "
        f"difference is **{interval(found.difference, *found.interval)}**."
    )


def latency(bundle, file="latency.csv"):
    found = Evaluation(bundle, file)
    rows = [
        [variant]
        + [
            f"{statistics.median(found.values(f'{variant}_latency_{q}_ms')):.2f} ms"
            for q in ("p50", "p99")
        ]
        for variant in ("frozen", "adapted")
    ]
    return table(["", "latency p50", "p99 (medians over episodes)"], rows)


def flags(asked):
    """Settings as SettingsFlags of client/run/settings_text.h writes them."""
    words = []
    for field, value in asked.items():
        name = field.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{name}")
        else:
            text = value.lower() if isinstance(value, str) else json.dumps(value)
            words.append(f"--{name} {text}")
    return " ".join(words)


def settings(bundle, file):
    """The trials of a sweep."""
    trials = json.loads((bundle.logs / file).read_text())
    rows = []
    for trial in trials:
        found = trial["comparison"]
        difference = f"{found['difference']:+,.1f}"
        if found["interval"]:
            difference = interval(found["difference"], *found["interval"])
        rows.append(
            [
                f"`{flags(trial['asked'])}`" if trial["asked"] else "the defaults",
                f"{found['adapted_mean']:,.1f}",
                f"{bundle.score(found['adapted_mean']):.1f}",
                difference,
            ]
        )
    first = trials[0]["comparison"]
    seeds = [episode["seed"] for episode in first["episodes"]]
    return (
        f"{len(seeds)} episodes, seeds {seeds[0]} to {seeds[-1]}, frozen "
        f"{first['frozen_mean']:,.1f} "
        f"({bundle.score(first['frozen_mean']):.1f}).\n\n"
        + table(["settings", "adapted", "score", "difference"], rows)
    )


def control(bundle):
    """The scores and the difference, from the evaluation's log or, if there is
    none, from the manifest. None if neither has them."""
    if bundle.has("evaluation.csv"):
        found = Evaluation(bundle, "evaluation.csv")
        means = [
            statistics.mean(found.values(variant + "_return"))
            for variant in ("frozen", "adapted")
        ]
        text = interval(found.difference, *found.interval)
    elif "adapted_return" in bundle.measured:
        means = [bundle.measured[v + "_return"] for v in ("frozen", "adapted")]
        text = f"{bundle.measured['adapted_difference']:+,.1f}"
    else:
        return None
    return [bundle.score(mean) for mean in means], text


def summary(folder=PRETRAINED):
    rows = []
    for bundle in bundles(folder):
        found = bundle.measured
        row = [
            bundle.name,
            bundle.kind,
            pair(found["state_rmse_1"], found["state_rmse_1_error"]),
            f"{found['state_rmse_1'] / found['linear_rmse_1']:.2f}, "
            f"{found['state_rmse_10'] / found['linear_rmse_10']:.2f}",
            pair(found["reward_rmse"], found["reward_rmse_error"]),
        ]
        played = control(bundle)
        if played:
            (frozen, adapted), difference = played
            row += [f"{frozen:.1f} -> {adapted:.1f}", difference]
        else:
            row += ["", ""]
        rows.append(row)
    header = [
        "bundle",
        "dynamics",
        "state, 1 step",
        "1 and 10 steps, over the linear fit's",
        "reward",
        "score",
        "difference of returns",
    ]
    return (
        "![one-step errors](figures/one-step-errors.svg)\n\n" + table(header, rows)
    )


def paper(folder=PRETRAINED):
    """logs/paper.csv with our figures added. The file's columns are what, paper,
    bundle, field ("score" or a field of the manifest) and comparable."""
    rows = []
    with open(folder / "logs/paper.csv", newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            here = "not measured"
            if line["field"] == "score":
                (frozen, adapted), _ = control(Bundle(line["bundle"], folder))
                here = f"{frozen:.1f} -> {adapted:.1f} ({adapted - frozen:+.1f})"
            elif line["field"]:
                found = Bundle(line["bundle"], folder).measured
                here = f"{found[line['field']]:.3f}"
            if line["bundle"]:
                here = f"{line['bundle']} {here}"
            rows.append([line["what"], line["paper"], here, line["comparable"]])
    return table(["", "paper", "here", "comparable"], rows)


OF_A_BUNDLE = {
    "world-model": world_model,
    "errors": errors,
    "evaluation": evaluation,
    "latency": latency,
    "settings": settings,
}
KINDS = {**OF_A_BUNDLE, "summary": summary, "paper": paper}


# --- Figures -----------------------------------------------------------------
def bundles(folder=PRETRAINED):
    names = sorted(p.name for p in (folder / "logs").iterdir() if p.is_dir())
    return [Bundle(name, folder) for name in names]


def draw_overview(all_bundles, out):
    """One-step state and reward errors, a row for each data set, on the axes of
    the paper's Figures 2 and 3."""
    data = sorted({bundle.data for bundle in all_bundles})
    figure, panels = plot_training.plt.subplots(
        len(data), 2, figsize=(9, 3 * len(data)), squeeze=False
    )
    for name, (states, rewards) in zip(data, panels):
        for axes, file, column in (
            (states, "dynamics.csv", "state_rmse_1"),
            (rewards, "reward.csv", "reward_rmse"),
        ):
            drawn = []
            for bundle in all_bundles:
                if bundle.data != name or not bundle.has(file):
                    continue
                # Bundles may share a world model.
                columns = bundle.columns(file)
                if columns in drawn:
                    continue
                colour = f"C{len(drawn)}"
                drawn.append(columns)
                plot_training.draw(axes, columns, column, bundle.name, colour)
            what = "state, 1 step" if axes is states else "reward"
            title = f"{name}: {what}"  # In two lines if it is long.
            plot_training.finish(axes, title.replace(", the", ",\nthe"))
            axes.set_xlim(0, max(LAST, *(c["step"][-1] for c in drawn)) / 1000)
            axes.set_xticks(range(0, int(axes.get_xlim()[1]) + 1, 2 * STRIDE // 1000))
    plot_training.save(figure, out)


def draw_all(folder, out):
    """Draws into the folder `out` and returns the names of the files."""
    every = bundles(folder)
    for bundle in every:
        plot_training.plot(bundle.logs, out / f"{bundle.name}.svg", bundle.folder)
    draw_overview(every, out / "one-step-errors.svg")
    return [f"{bundle.name}.svg" for bundle in every] + ["one-step-errors.svg"]


# --- RESULTS.md --------------------------------------------------------------
BLOCK = re.compile(r"(<!-- begin (.+?) -->\n).*?(<!-- end -->\n)", re.S)


def content(description, folder):
    kind, *arguments = description.split()
    if kind not in KINDS:
        raise SystemExit(
            f"RESULTS.md: {kind} is not a table, expected one of "
            + ", ".join(KINDS)
        )
    if kind not in OF_A_BUNDLE:
        return KINDS[kind](folder)
    name, *rest = arguments
    return KINDS[kind](Bundle(name, folder), *rest)


def section(bundle):
    """A new bundle's section, with its tables still empty."""
    blocks = [f"world-model {bundle.name}", f"errors {bundle.name}"]
    for kind in ("evaluation", "latency"):
        if bundle.has(f"{kind}.csv"):
            blocks.append(f"{kind} {bundle.name}")
    for sweep in sorted(bundle.logs.glob("sweep*.json")):
        blocks.append(f"settings {bundle.name} {sweep.name}")
    return f"\n## {bundle.name}\n" + "".join(
        f"\n<!-- begin {block} -->\n<!-- end -->\n" for block in blocks
    )


def rewritten(text, folder=PRETRAINED):
    for bundle in bundles(folder):
        if not re.search(rf"<!-- begin \S+ {re.escape(bundle.name)}[ ]", text):
            text += section(bundle)
    return BLOCK.sub(
        lambda found: f"{found[1]}\n{content(found[2], folder)}\n\n{found[3]}", text
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument(
        "--folder", type=pathlib.Path, default=PRETRAINED, help="with RESULTS.md"
    )
    arguments = parser.parse_args()
    folder = arguments.folder
    results = folder / "RESULTS.md"
    old = results.read_text(encoding="utf-8")
    new = rewritten(old, folder)
    figures = folder / "figures"
    if not arguments.check:
        figures.mkdir(exist_ok=True)
        draw_all(folder, figures)
        results.write_text(new, encoding="utf-8")
        return 0
    changed = [] if new == old else [results]
    with tempfile.TemporaryDirectory() as name:
        drawn = pathlib.Path(name)
        for file in draw_all(folder, drawn):
            kept = figures / file
            if not kept.is_file() or not filecmp.cmp(kept, drawn / file, False):
                changed.append(kept)
    for file in changed:
        print(f"{file} is not as the logs say; run regenerate.py", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
