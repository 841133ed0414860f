"""The options of a policy, and their conversion to messages."""

from __future__ import annotations

import math
import operator
from typing import Literal, SupportsIndex, TypedDict, get_type_hints

import numpy as np
from google.protobuf.duration_pb2 import Duration

from foresight.errors import InvalidArgument
from foresight.v1 import adaptation_pb2 as v1


class Settings(TypedDict, total=False):
    """Settings of the adaptation. One that is not given has the model's default."""

    horizon: int  # H, transitions of an imagined rollout, 1..64.
    particles: int  # M, imagined rollouts of a decision, 1..65536.
    steps: int  # E, gradient steps of a decision, 0..1000; 0 is the frozen policy.
    step_size: float  # eta of a gradient step, >= 0.
    # persist: keep the adapted policy; reset: start each decision from the
    # pretrained one.
    mode: Literal["persist", "reset"]
    discount: float  # gamma, in (0, 1].
    max_gradient_norm: float  # >= 0; 0 is off.
    max_action_change: float  # >= 0; 0 is off.
    max_drift: float  # >= 0; 0 is off.
    accept_only_improvement: bool
    sampler_steps: int  # n, only for mean_flow dynamics, 1..64.
    noise_scale: float  # tau of the imagined noise, 0..2.
    # Change of the action by a decision's steps, >= 0, instead of eta; 0 is off.
    action_step: float


SETTING_NAMES = tuple(get_type_hints(Settings))


class PolicyOptions(Settings, total=False):
    """Settings, and options of requests."""

    seed: int  # Draws the imagined noise; without it the server chooses.
    budget: float  # Seconds that the server may take; without it: `timeout`.
    # Seconds after which a decision has failed, retries included; without it the
    # connection's timeout.
    timeout: float
    plan_length: int  # 0..64: the number of further actions in `last.plan`.
    objective_after: bool  # Fill `last.objective_after`: one more rollout.
    idle_timeout: float  # Seconds without use after which the server forgets it.


def to_settings(message: v1.AdaptationSettings) -> Settings:
    settings = Settings()
    for name in SETTING_NAMES:
        if name == "mode":
            if message.mode != v1.MODE_UNSPECIFIED:
                mode = "reset" if message.mode == v1.RESET else "persist"
                settings["mode"] = mode  # type: ignore[typeddict-item]
        elif message.HasField(name):
            value = getattr(message, name)
            if isinstance(value, float):
                value = float(str(np.float32(value)))  # 3e-05, not 2.99999992e-05.
            settings[name] = value  # type: ignore[literal-required]
    return settings


def from_settings(settings: Settings) -> v1.AdaptationSettings:
    """The server checks the ranges.

    Errors: TypeError: there is no such setting. InvalidArgument: a value of the
    wrong type.
    """
    message = v1.AdaptationSettings()
    for name, value in settings.items():
        if name not in SETTING_NAMES:
            raise TypeError(
                f"there is no setting {name!r}; there are: {', '.join(SETTING_NAMES)}"
            )
        if name == "mode":
            if value not in ("persist", "reset"):
                raise InvalidArgument(f"mode is {value!r}, expected persist or reset")
            value = v1.RESET if value == "reset" else v1.PERSIST
        try:
            setattr(message, name, value)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"settings.{name}: {error}") from None
    return message


def to_seed(seed: SupportsIndex, offset: SupportsIndex = 0) -> int:
    """`seed` + `offset`, modulo 2^64, in Python's integers: NumPy's would overflow.

    Errors: InvalidArgument: not a whole number.
    """
    try:
        return (operator.index(seed) + operator.index(offset)) % 2**64
    except TypeError:
        raise InvalidArgument(f"seed is {seed!r}, expected a whole number") from None


def to_duration(name: str, seconds: float) -> Duration:
    """Errors: InvalidArgument: not a positive number of seconds."""
    try:
        valid = math.isfinite(seconds) and seconds > 0
    except TypeError:
        valid = False
    if not valid:
        raise InvalidArgument(f"{name} is {seconds!r}, expected seconds above 0")
    duration = Duration()
    duration.FromNanoseconds(max(round(float(seconds) * 1e9), 1))
    return duration


def settings_of(options: PolicyOptions) -> Settings:
    """The settings, and any unknown names, which from_settings refuses."""
    others = PolicyOptions.__annotations__.keys() - Settings.__annotations__.keys()
    return {k: v for k, v in options.items() if k not in others}  # type: ignore


def open_request(
    model: str, options: PolicyOptions, offset: int = 0
) -> v1.OpenSessionRequest:
    """Asks for a session; `offset` is added to the seed, if there is one.

    Errors: as from_settings; InvalidArgument: a time that is not positive, a seed
    that is not a whole number.
    """
    for name in ("budget", "timeout"):
        if name in options:
            to_duration(name, options[name])
    request = v1.OpenSessionRequest(
        model=model, settings=from_settings(settings_of(options))
    )
    if "seed" in options:
        request.seed = to_seed(options["seed"], offset)
    if "idle_timeout" in options:
        timeout = to_duration("idle_timeout", options["idle_timeout"])
        request.idle_timeout.CopyFrom(timeout)
    return request
