#!/usr/bin/python3
"""Draws the page of foresight-run --report: one HTML file without links.

Reads the JSON that report_page.h describes from standard input. With --check
instead of a file, only checks that its modules are there; exit status 3 says
that one is missing.
"""

import base64
import html
import io
import json
import os
import pathlib
import statistics
import sys

# In a checkout its wheels are used too, after what the user chose.
DEPS = pathlib.Path(__file__).resolve().parents[2] / ".deps"
sys.path += [str(DEPS / name) for name in ("python", "plots")]
# On a busy machine numpy's threads wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    import matplotlib
except ImportError:
    sys.exit(3)

matplotlib.use("Agg")
matplotlib.rcParams.update(
    {
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "grid.alpha": 0.3,
        # The same data give the same page.
        "svg.hashsalt": "foresight",
    }
)
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

import imagination  # noqa: E402

COLOURS = {"frozen": "#5b6b7b", "adapted": "#d1651a"}
OUTCOME_COLOURS = {
    "ADAPTED": "#2f7d4f",
    "LIMITED": "#c9a227",
    "TRUNCATED": "#3b7dd8",
    "FROZEN": "#5b6b7b",
    "REJECTED": "#b5382a",
    "NON_FINITE": "#7a1fa2",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2733; margin: 2em auto;
       max-width: 62em; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; }
h2 { font-size: 1.1em; margin: 2em 0 0; }
p { max-width: 46em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em 1em .25em 0; text-align: right;
         border-bottom: 1px solid #dde3e9; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; }
code { background: #f1f4f7; padding: .1em .3em; white-space: nowrap; }
"""


def as_image(figure, alternative):
    """An <img> that embeds the figure as SVG."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    plt.close(figure)
    data = base64.b64encode(out.getvalue()).decode("ascii")
    return (
        f'<img alt="{html.escape(alternative)}" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def score(run, value):
    span = run["expert_return"] - run["random_return"]
    return 100 * (value - run["random_return"]) / span


def returns_of(run, variant):
    """(seed, return) of each episode of the variant."""
    key = variant + "_return"
    return [
        (episode["seed"], episode[key])
        for episode in run["episodes"]
        if episode[key] is not None
    ]


def traces_of(run, variant):
    return [trace for trace in run["traces"] if trace["variant"] == variant]


def variants_of(run):
    return [name for name in COLOURS if traces_of(run, name)]


def draw_returns(run):
    figure, axes = plt.subplots(figsize=(9, 3.4))
    for variant in variants_of(run):
        pairs = returns_of(run, variant)
        seeds = [seed for seed, _ in pairs]
        values = [value for _, value in pairs]
        colour = COLOURS[variant]
        axes.plot(seeds, values, "o", color=colour, label=variant, ms=5)
        axes.axhline(statistics.mean(values), color=colour, ls="--", lw=1)
    both = [
        (episode["seed"], episode["frozen_return"], episode["adapted_return"])
        for episode in run["episodes"]
        if None not in (episode["frozen_return"], episode["adapted_return"])
    ]
    for seed, frozen, adapted in both:
        axes.plot([seed, seed], [frozen, adapted], color="#c3ccd5", lw=1, zorder=0)
    axes.set_xlabel("seed of the episode")
    axes.set_ylabel("return")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return as_image(figure, "returns per seed, frozen and adapted")


def draw_objective(trace):
    """J before and after each decision, and their difference."""
    figure, (level, gain) = plt.subplots(
        2, 1, figsize=(9, 4.6), sharex=True, height_ratios=(2, 1)
    )
    steps = range(len(trace["objective_before"]))
    after = [
        float("nan") if value is None else value
        for value in trace["objective_after"]
    ]
    level.plot(steps, trace["objective_before"], color=COLOURS["frozen"], lw=1,
               label="before the decision's steps")
    level.plot(steps, after, color=COLOURS["adapted"], lw=1, label="after them")
    level.set_ylabel("imagined return J")
    level.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    gain.plot(steps, [a - b for a, b in zip(after, trace["objective_before"])],
              color=COLOURS["adapted"], lw=1)
    gain.axhline(0, color="black", lw=0.6)
    gain.set_ylabel("after - before")
    gain.set_xlabel("decision of the episode")
    return as_image(figure, "imagined return before and after each decision")


def draw_changes(trace):
    """The change of the action, drift and outcome along an episode."""
    figure, (change, drift, outcome) = plt.subplots(
        3, 1, figsize=(9, 5.2), sharex=True, height_ratios=(2, 2, 1)
    )
    steps = list(range(len(trace["action_change"])))
    change.plot(steps, trace["action_change"], color=COLOURS["adapted"], lw=1)
    change.set_ylabel("action change")
    change.set_ylim(bottom=0)
    drift.plot(steps, trace["drift"], color="#3b7dd8", lw=1)
    drift.set_ylabel("drift of psi")
    drift.set_ylim(bottom=0)
    names = [name for name in OUTCOME_COLOURS if name in trace["outcome"]]
    for row, name in enumerate(names):
        at = [step for step in steps if trace["outcome"][step] == name]
        outcome.plot(at, [row] * len(at), "|", color=OUTCOME_COLOURS[name], ms=9)
    outcome.set_yticks(range(len(names)), names)
    outcome.set_ylim(-0.6, len(names) - 0.4)
    outcome.set_xlabel("decision of the episode")
    return as_image(figure, "action change, drift and outcome along an episode")


def draw_reward(frozen, adapted):
    figure, axes = plt.subplots(figsize=(9, 3))
    for name, trace in (("frozen", frozen), ("adapted", adapted)):
        if trace is None:
            continue
        total, sums = 0, []
        for reward in trace["reward"]:
            total += reward
            sums.append(total)
        axes.plot(sums, color=COLOURS[name], label=name)
        if trace["terminated"]:
            axes.plot(len(sums) - 1, sums[-1], "x", color=COLOURS[name], ms=9,
                      mew=2)
    axes.set_xlabel("step of the episode (a cross: it ended there)")
    axes.set_ylabel("reward so far")
    axes.legend(frameon=False, loc="upper left")
    return as_image(figure, "reward so far along an episode")


# How many rollouts are measured, the fewest particles, how many decisions are
# shown.
ROLLOUTS, PARTICLES, SHOWN = 200, 32, 4


def draw_imagined(run, trace):
    """Imagined states against the real ones: errors of all, curves of some.

    Returns nothing if the episode is shorter than a horizon."""
    horizon = run["settings"]["horizon"]
    states = np.array(trace["observation"])
    actions = np.array(trace["action"])
    if len(states) <= horizon:
        return ""
    starts = np.unique(
        np.linspace(0, len(states) - horizon - 1, ROLLOUTS).astype(int)
    )
    dynamics = imagination.Dynamics(run["bundle"], run["weights_sha256"])
    particles = max(PARTICLES, run["settings"]["particles"])
    imagined = imagination.imagine(
        dynamics, states, actions, starts, horizon, particles,
        run["settings"]["noise_scale"],
    )  # [N, M, H + 1, S]
    real = np.stack([states[starts + h] for h in range(horizon + 1)], axis=1)
    return draw_horizon_errors(imagined, real) + draw_horizon_states(
        imagined, real, starts
    )


def draw_horizon_errors(imagined, real):
    """Root mean squares over rollouts and dimensions, along the horizon."""
    def rms(values):
        return np.sqrt((values**2).mean(axis=(0, 2)))

    mean = imagined.mean(axis=1)
    steps = range(1, real.shape[1])
    figure, axes = plt.subplots(figsize=(9, 3))
    for values, colour, style, label in (
        (rms(mean - real), COLOURS["adapted"], "o-",
         "error of the imagined mean"),
        (rms(imagined.std(axis=1, ddof=1)), "#3b7dd8", "o--",
         "spread over particles"),
        (rms(real - real[:, :1]), COLOURS["frozen"], "o:",
         "change of the real state"),
    ):
        axes.plot(steps, values[1:], style, color=colour, label=label)
    axes.set_ylim(bottom=0)
    axes.set_xticks(steps)
    axes.set_xlabel("steps ahead")
    axes.set_ylabel("root mean square,\nraw units")
    axes.legend(frameon=False)
    return as_image(figure, "errors of imagined states along the horizon")


def draw_horizon_states(imagined, real, starts):
    """The three dimensions that vary most, from a few decisions."""
    dimensions = np.sort(np.argsort(real[:, 0].std(axis=0))[-3:])
    shown = np.unique(np.linspace(0, len(starts) - 1, SHOWN + 2).astype(int)[1:-1])
    figure, panels = plt.subplots(
        len(dimensions), len(shown), figsize=(9, 2 * len(dimensions)),
        sharex=True, sharey="row", squeeze=False,
    )
    steps = np.arange(real.shape[1])
    for row, dimension in zip(panels, dimensions):
        for axes, n in zip(row, shown):
            values = imagined[n, :, :, dimension]
            mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
            axes.fill_between(steps, mean - spread, mean + spread, alpha=0.25,
                              color=COLOURS["adapted"], linewidth=0)
            axes.plot(steps, mean, color=COLOURS["adapted"], label="imagined")
            axes.plot(steps, real[n, :, dimension], "o", ms=4,
                      color=COLOURS["frozen"], label="real")
        row[0].set_ylabel(f"observation {dimension}")
    for axes, n in zip(panels[0], shown):
        axes.set_title(f"decision {starts[n]}", fontsize=10)
    for axes in panels[-1]:
        axes.set_xlabel("steps ahead")
        axes.set_xticks(steps)
    panels[0, 0].legend(frameon=False, fontsize=8)
    return as_image(figure, "imagined and real states from some decisions")


def draw_latency(run):
    figure, axes = plt.subplots(figsize=(9, 3))
    for variant in variants_of(run):
        values = sorted(
            value
            for trace in traces_of(run, variant)
            for value in trace["latencies_ms"]
        )
        shares = [(i + 1) / len(values) for i in range(len(values))]
        # Enough points for the eye.
        stride = max(1, len(values) // 2000)
        axes.plot(values[::stride] + values[-1:], shares[::stride] + [1],
                  color=COLOURS[variant], label=variant)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0, 1)
    axes.set_xlabel("time of a decision as the client waited, ms")
    axes.set_ylabel("share of decisions\nat most as slow")
    axes.legend(frameon=False, loc="lower right")
    return as_image(figure, "distribution of the decision latency")


def summary(run):
    rows = []
    for variant in variants_of(run):
        values = [value for _, value in returns_of(run, variant)]
        traces = traces_of(run, variant)
        error = (
            statistics.stdev(values) / len(values) ** 0.5
            if len(values) > 1
            else 0
        )
        latencies = sorted(
            value for trace in traces for value in trace["latencies_ms"]
        )
        ended = sum(trace["terminated"] for trace in traces)
        rows.append(
            f"<tr><td>{variant}</td>"
            f"<td>{statistics.mean(values):,.1f} &plusmn; {error:,.1f}</td>"
            f"<td>{score(run, statistics.mean(values)):.1f}</td>"
            f"<td>{ended} of {len(values)}</td>"
            f"<td>{statistics.median(latencies):.2f} ms</td></tr>"
        )
    text = (
        "<table><tr><th>policy</th><th>return &plusmn; s.e.</th>"
        "<th>normalised score</th><th>ended early</th>"
        "<th>median latency</th></tr>" + "".join(rows) + "</table>"
    )
    if run["difference"] is not None:
        text += f"<p>Adapted - frozen: <b>{run['difference']:+,.1f}</b>"
        if run["interval"]:
            low, high = run["interval"]
            text += f" [{low:+,.1f}, {high:+,.1f}] (paired, 95 % bootstrap)"
        text += "</p>"
    return text


def shown(value):
    return value if isinstance(value, str) else json.dumps(value)


def settings_line(run):
    return " ".join(
        f"<code>{html.escape(name)} {html.escape(shown(value))}</code>"
        for name, value in run["settings"].items()
    )


def page(run):
    title = f"{run['environment']}, {run['model']}"
    seeds = [episode["seed"] for episode in run["episodes"]]
    first = {
        variant: traces_of(run, variant)[0] for variant in variants_of(run)
    }
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{len(seeds)} episodes, seeds {seeds[0]} to {seeds[-1]}. "
        f"{settings_line(run)}</p>",
        summary(run),
        "<h2>Returns per seed</h2>"
        "<p>A line joins the two episodes of a seed; a dashed line is a mean.</p>",
        draw_returns(run),
        f"<h2>The episode of seed {seeds[0]}</h2>",
        draw_reward(first.get("frozen"), first.get("adapted")),
    ]
    adapted = first.get("adapted")
    if adapted:
        parts += [
            "<h2>Imagined return before and after each decision</h2>"
            "<p>Both with the same imagined noise.</p>",
            draw_objective(adapted),
            "<h2>Action change and outcome of each decision</h2>"
            "<p>The largest component of the action's difference from the "
            "frozen policy's; drift is the distance between the policies' "
            "parameters.</p>",
            draw_changes(adapted),
        ]
    if adapted and run["bundle"]:
        images = draw_imagined(run, adapted)
        parts += [
            "<h2>Imagined against real states</h2>"
            "<p>From decisions spread over the episode, the dynamics model of "
            "the bundle repeats the actions that were taken; the real states "
            "are the simulator's. The shade is the standard deviation over "
            "particles. The page computes these rollouts with noise of its "
            "own, since a server returns no imagined states; a decision's own "
            "rollouts follow the policy instead of the actions taken.</p>",
            images or "<p>The episode is shorter than the horizon.</p>",
        ]
    parts += [
        "<h2>Decision latency</h2>"
        "<p>The adapted decisions include the imagined rollout that this page "
        "asks for.</p>",
        draw_latency(run),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        "<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def main():
    (argument,) = sys.argv[1:]
    if argument == "--check":
        return
    try:
        text = page(json.load(sys.stdin))
    except (OSError, ValueError) as error:
        sys.exit(f"report_page.py: {error}")
    pathlib.Path(argument).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
