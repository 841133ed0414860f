"""Compares frozen and adapted episodes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from foresight import report
from foresight.bootstrap import bootstrap_interval, standard_error
from foresight.episodes import Episode
from foresight.messages import Model, Outcome
from foresight.options import Settings
from foresight.scores import normalised_score


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """Both episodes of one seed."""

    seed: int
    frozen: Episode
    adapted: Episode


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """All episodes of one variant."""

    mean: float  # Return.
    standard_error: float
    score: float | None  # D4RL's, for the mean; None: unknown environment.
    steps_done_mean: float  # Gradient steps per decision.
    latency_p50_ms: float
    latency_p99_ms: float
    outcomes: Counter[Outcome]
    late: int  # As in Episode.


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """The result of `evaluate`; str() gives foresight-run's table."""

    environment: str
    model: Model
    settings: Settings  # Complete, of the adapted episodes.
    episodes: list[Pair]
    frozen: Summary
    adapted: Summary
    difference: float  # Mean of adapted - frozen.
    # Its 95 % bootstrap interval, paired; None for a single pair.
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        return report.to_table(self)

    def to_json(self) -> str:
        """The file that foresight-run --json writes."""
        return report.to_json(self)

    def to_csv(self) -> str:
        """The file that foresight-run --csv writes: a header, a line per seed."""
        return report.to_csv(self)


def compare(
    environment: str, model: Model, settings: Settings, episodes: list[Pair]
) -> Comparison:
    """Combines at least one pair of episodes."""
    differences = [
        pair.adapted.episode_return - pair.frozen.episode_return for pair in episodes
    ]
    return Comparison(
        environment=environment,
        model=model,
        settings=settings,
        episodes=episodes,
        frozen=_summarise(environment, [pair.frozen for pair in episodes]),
        adapted=_summarise(environment, [pair.adapted for pair in episodes]),
        difference=float(np.mean(differences)),
        interval=bootstrap_interval(differences) if len(differences) > 1 else None,
    )


def _summarise(environment: str, episodes: Sequence[Episode]) -> Summary:
    returns = [episode.episode_return for episode in episodes]
    latencies = [1000 * s for episode in episodes for s in episode.latencies]
    mean = float(np.mean(returns))
    p50, p99 = np.quantile(latencies, [0.5, 0.99])
    return Summary(
        mean=mean,
        standard_error=standard_error(returns),
        score=normalised_score(environment, mean),
        steps_done_mean=sum(e.gradient_steps for e in episodes) / len(latencies),
        latency_p50_ms=float(p50),
        latency_p99_ms=float(p99),
        outcomes=sum((e.outcomes for e in episodes), Counter()),
        late=sum(e.late for e in episodes),
    )
