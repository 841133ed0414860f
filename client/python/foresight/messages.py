"""The types that users see, and their conversion from and to messages."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foresight.errors import InvalidArgument
from foresight.options import Settings, to_settings
from foresight.v1 import adaptation_pb2 as v1

Array = NDArray[np.float32]


class Outcome(enum.StrEnum):
    """How a decision ended: the last of these that applies."""

    UNSPECIFIED = "UNSPECIFIED"  # From a newer server; this client does not know it.
    ADAPTED = "ADAPTED"  # All steps were done.
    TRUNCATED = "TRUNCATED"  # There was time for some of the steps.
    FROZEN = "FROZEN"  # No step was done: none asked for, or no time.
    LIMITED = "LIMITED"  # A limit on drift or action change applied.
    REJECTED = "REJECTED"  # A guard undid the change.
    NON_FINITE = "NON_FINITE"  # A step was refused: something was not finite.


_OUTCOMES = {
    v1.Outcome.Value(outcome): outcome
    for outcome in Outcome
    if outcome is not Outcome.UNSPECIFIED
}


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    """A model that the server serves."""

    name: str
    version: str  # As the bundle's author wrote it.
    weights_sha256: str  # Hexadecimal.
    observation_size: int  # S
    action_size: int  # A
    dynamics: str  # "diffusion" or "mean_flow".
    sampler_steps: int  # K of diffusion, the default n of mean_flow.
    defaults: Settings
    engine: str  # "fused" or "autograd".
    device: str  # "cpu", "cuda:0".


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one observation, with its report."""

    action: Array  # [A], each in [-1, 1].
    outcome: Outcome
    steps: int  # Gradient steps done.
    steps_requested: int
    # The imagined return before the first step; None if no step was done.
    objective: float | None
    objective_after: float | None  # If the policy asks for it.
    gradient_norm: float  # At the last step done, before the limit.
    action_change: float  # Largest component, against the frozen policy.
    drift: float  # Distance of the adapted policy from the pretrained one.
    latency: float  # Seconds that the client waited, retries included.
    queue_time: float  # Seconds that the decision waited on the server.
    adapt_time: float  # Seconds that its gradient steps took.
    index: int  # Counts the decisions since the last reset.
    # How often the budget ran out before the server could begin, so that the
    # decision was requested again (see Policy.act).
    late: int
    plan: Array  # [plan_length, A], the actions after this one.


def to_model(message: v1.Model) -> Model:
    return Model(
        name=message.name,
        version=message.version,
        weights_sha256=message.weights_sha256,
        observation_size=message.observation_size,
        action_size=message.action_size,
        dynamics=message.dynamics,
        sampler_steps=message.sampler_steps,
        defaults=to_settings(message.defaults),
        engine=message.engine,
        device=message.device,
    )


def to_decision(message: v1.ActResponse, latency: float, late: int) -> Decision:
    report = message.report
    action = np.array(message.action, dtype=np.float32)
    plan = [step.values for step in message.plan]
    return Decision(
        action=action,
        outcome=_OUTCOMES.get(report.outcome, Outcome.UNSPECIFIED),
        steps=report.steps_done,
        steps_requested=report.steps_requested,
        objective=report.objective_before if report.steps_done else None,
        objective_after=(
            report.objective_after if report.HasField("objective_after") else None
        ),
        gradient_norm=report.gradient_norm,
        action_change=report.action_change,
        drift=report.drift,
        latency=latency,
        queue_time=report.queue_time.ToTimedelta().total_seconds(),
        adapt_time=report.adapt_time.ToTimedelta().total_seconds(),
        index=message.decision_index,
        late=late,
        plan=np.array(plan, dtype=np.float32).reshape(-1, len(action)),
    )


def to_array(observation: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Errors: InvalidArgument (OBSERVATION_INVALID): wrong shape, or not numbers."""
    try:
        array = np.asarray(observation, dtype=np.float32)
    except (TypeError, ValueError):
        hint = ""
        if isinstance(observation, tuple) and any(isinstance(part, dict) for part in observation):
            hint = "; env.reset() returns the pair (observation, info)"
        raise InvalidArgument(
            f"the observation is a {type(observation).__name__} that is not all "
            f"numbers, expected an array of shape {shape}{hint}",
            reason="OBSERVATION_INVALID",
        ) from None
    if array.shape != shape:
        raise InvalidArgument(
            f"the observation has shape {array.shape}, expected {shape}",
            reason="OBSERVATION_INVALID",
        )
    return array
