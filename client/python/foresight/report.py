"""Formats a comparison like foresight-run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf import json_format

from foresight.episodes import Episode
from foresight.messages import Outcome
from foresight.options import Settings, from_settings

if TYPE_CHECKING:
    from foresight.comparison import Comparison, Summary


def to_table(comparison: Comparison) -> str:
    """The comparison as a table for people to read."""
    model, pairs = comparison.model, comparison.episodes
    lines = [
        f"{comparison.environment}, model {model.name} ({model.engine} on "
        f"{model.device}), {len(pairs)} episodes, seeds {pairs[0].seed} to "
        f"{pairs[-1].seed}",
        _settings_line(comparison.settings),
        "",
        f"{'policy':<12}{'return (s.e.)  ':>22}{'score':>7}{'steps done':>12}"
        f"{'latency p50':>15}{'p99':>12}",
        _row("frozen", comparison.frozen),
        _row("adapted", comparison.adapted),
    ]
    difference = f"difference  {comparison.difference:+10.1f}"
    if comparison.interval is not None:
        low, high = comparison.interval
        difference += f"  [{low:+.1f}, {high:+.1f}]  (paired, 95 % bootstrap)"
    return "\n".join([*lines, difference, _outcomes_row(comparison.adapted)])


def to_csv(comparison: Comparison) -> str:
    columns = ("return", "steps", "steps_done_mean", "latency_p50_ms", "latency_p99_ms")
    names = [f"{kind}_{column}" for kind in ("frozen", "adapted") for column in columns]
    lines = [",".join(["seed", *names])]
    for pair in comparison.episodes:
        cells = f"{_cells(pair.frozen)},{_cells(pair.adapted)}"
        lines.append(f"{pair.seed},{cells}")
    return "\n".join(lines) + "\n"


def to_json(comparison: Comparison) -> str:
    settings = json_format.MessageToDict(
        from_settings(comparison.settings), preserving_proto_field_name=True
    )
    fields = {
        "environment": comparison.environment,
        "model": comparison.model.name,
        "settings": settings,
        "episodes": [
            {
                "seed": pair.seed,
                "frozen_return": pair.frozen.episode_return,
                "adapted_return": pair.adapted.episode_return,
                "frozen_steps": pair.frozen.steps,
                "adapted_steps": pair.adapted.steps,
                "steps_done_mean": pair.adapted.steps_done_mean,
            }
            for pair in comparison.episodes
        ],
        "frozen_mean": comparison.frozen.mean,
        "adapted_mean": comparison.adapted.mean,
        "difference": comparison.difference,
        "interval": comparison.interval,
        "latency_ms": {
            "p50": comparison.adapted.latency_p50_ms,
            "p99": comparison.adapted.latency_p99_ms,
        },
    }
    return json.dumps(fields, indent=2) + "\n"


def _settings_line(settings: Settings) -> str:
    step = "eta {step_size:g}"
    if settings.get("action_step", 0) > 0:
        step = "action step {action_step:g}"
    return (
        "H {horizon}, M {particles}, E {steps}, " + step + ", {mode}, "
        "gamma {discount:g}, K {sampler_steps}, tau {noise_scale:g}, "
        "max gradient norm {max_gradient_norm:g}"
    ).format(**settings)


def _row(name: str, summary: Summary) -> str:
    score = "-" if summary.score is None else f"{summary.score:.1f}"
    return (
        f"{name:<12}{summary.mean:10.1f} +- {summary.standard_error:<8.1f}{score:>7}"
        f"{summary.steps_done_mean:12.2f}{summary.latency_p50_ms:12.2f} ms"
        f"{summary.latency_p99_ms:9.2f} ms"
    )


def _outcomes_row(summary: Summary) -> str:
    outcomes = summary.outcomes
    counts = ", ".join(f"{kind} {outcomes[kind]}" for kind in Outcome if outcomes[kind])
    late = ""
    if summary.late > 0:
        late = f"; {summary.late} times the budget ran out before the decision began"
    return f"outcomes    {counts}{late}"


def _cells(episode: Episode) -> str:
    p50, p99 = 1000 * np.quantile(episode.latencies, [0.5, 0.99])
    return (
        f"{episode.episode_return:.6f},{episode.steps},"
        f"{episode.steps_done_mean:.6f},{p50:.4f},{p99:.4f}"
    )
