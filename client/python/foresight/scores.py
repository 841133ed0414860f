"""D4RL's normalised scores. Imports no other module."""

from __future__ import annotations

# The returns of a random and of an expert policy, by which D4RL normalises.
_REFERENCE_RETURNS = {
    "HalfCheetah": (-280.178953, 12135.0),
    "Hopper": (-20.272305, 3234.3),
    "Walker2d": (1.629008, 4592.3),
}


def normalised_score(environment: str, mean: float) -> float | None:
    """The score of a mean return; None if the environment is unknown."""
    family = environment.rpartition("-v")[0]
    if family not in _REFERENCE_RETURNS:
        return None
    random, expert = _REFERENCE_RETURNS[family]
    return 100 * (mean - random) / (expert - random)
