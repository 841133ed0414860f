"""Plays whole episodes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol, SupportsFloat

import numpy as np

from foresight.errors import FailedPrecondition
from foresight.messages import Decision, Model, Outcome
from foresight.policy import Policy
from foresight.vector import VectorPolicy


class Env(Protocol):
    """The part of gymnasium.Env that is used."""

    observation_space: Any
    action_space: Any

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]: ...

    def step(
        self, action: Any
    ) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]: ...


class VectorEnv(Protocol):
    """The part of gymnasium.vector.VectorEnv that is used."""

    single_observation_space: Any
    single_action_space: Any

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]: ...

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]: ...


@dataclasses.dataclass(slots=True)
class Episode:
    """An episode that was played."""

    seed: int | None  # Draws the start state and the imagined noise.
    episode_return: float = 0.0  # Undiscounted.
    steps: int = 0  # The environment's.
    terminated: bool = False  # False: it was cut.
    gradient_steps: int = 0  # In all its decisions.
    latencies: list[float] = dataclasses.field(default_factory=list)  # [steps], s.
    outcomes: Counter[Outcome] = dataclasses.field(default_factory=Counter)
    # How often a decision's budget ran out before the server could begin, so that
    # it was requested again.
    late: int = 0

    def add(self, decision: Decision, reward: float, terminated: bool) -> None:
        """Adds the step that follows `decision`."""
        self.episode_return += reward
        self.steps += 1
        self.terminated = terminated
        self.gradient_steps += decision.steps
        self.latencies.append(decision.latency)
        self.outcomes[decision.outcome] += 1
        self.late += decision.late

    @property
    def steps_done_mean(self) -> float:
        """Gradient steps per decision."""
        return self.gradient_steps / max(self.steps, 1)


def play(
    env: Env,
    policy: Policy,
    episodes: int = 1,
    *,
    seed: int | None = None,
    max_steps: int | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Episode]:
    """Plays episodes and yields each one when it is over.

    Args:
        env: a gymnasium environment with a flat observation [S] and action [A].
        policy: is reset before each episode.
        episodes: how many.
        seed: `seed` + i draws the start state and the noise of episode i; None: the
            environment draws the start states, and the policy keeps its seed.
        max_steps: cuts longer episodes; the environment's limit holds too.
        on_step: called after each step.

    Errors: the server's; FailedPrecondition: the model is for another environment.
    """
    check_fits(policy.model, env.observation_space, env.action_space)
    for i in range(episodes):
        episode = Episode(None if seed is None else seed + i)
        policy.reset(seed=episode.seed)
        observation, _ = env.reset(seed=episode.seed)
        over = False
        while not over and episode.steps != max_steps:
            action = policy.act(observation, patient=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            over = bool(terminated or truncated)
            episode.add(policy.last, float(reward), bool(terminated))
            on_step()
        yield episode


def play_vector(
    envs: VectorEnv,
    policy: VectorPolicy,
    episodes: int = 1,
    *,
    seed: int | None = None,
) -> Iterator[Episode]:
    """Plays episodes side by side and yields each one when it is over.

    Each environment plays its share of the episodes, so that short ones are not
    counted more often than long ones.

    Args:
        envs: a gymnasium vector environment that resets by itself, in either mode.
        policy: is reset at the beginning, and later where an episode ends.
        episodes: how many, of all environments together.
        seed: `seed` + i draws the first start state and the noise of environment i;
            None: the environments draw start states, the policies keep their seeds.

    Errors: as for `play`.
    """
    check_fits(policy.model, envs.single_observation_space, envs.single_action_space)
    seeds = [None if seed is None else seed + i for i in range(policy.num_envs)]
    shares = [(episodes + i) // policy.num_envs for i in range(policy.num_envs)]
    running = [Episode(seed) for seed in seeds]
    policy.reset(seed=seed)
    observations, _ = envs.reset(seed=seed)
    while any(shares):
        played = np.flatnonzero(~policy.skips)
        actions = policy.act(observations, patient=True)
        observations, rewards, terminated, truncated, _ = envs.step(actions)
        ended = np.logical_or(terminated, truncated)
        policy.ended(ended)
        for i in played:
            running[i].add(policy.last[i], float(rewards[i]), bool(terminated[i]))
            if not ended[i]:
                continue
            if shares[i] > 0:
                shares[i] -= 1
                yield running[i]
            running[i] = Episode(None)


def check_fits(model: Model, observations: Any, actions: Any) -> None:
    """Errors: FailedPrecondition: the model is for other spaces than these, or the
    actions range beyond [-1, 1], where a policy never goes."""
    shapes = (observations.shape, actions.shape)
    if shapes != ((model.observation_size,), (model.action_size,)):
        raise FailedPrecondition(
            f'model "{model.name}" is for another environment: it takes observations '
            f"of shape {(model.observation_size,)} and gives actions of shape "
            f"{(model.action_size,)}; this one has {shapes[0]} and {shapes[1]}"
        )
    low, high = np.asarray(actions.low), np.asarray(actions.high)
    if np.any(np.isfinite(low) & (low < -1)) or np.any(np.isfinite(high) & (high > 1)):
        raise FailedPrecondition(
            f"the environment's actions are from {low.min():g} to {high.max():g}, "
            "expected -1 to 1; wrap it in gymnasium.wrappers.RescaleAction(env, -1, 1)"
        )
