"""The statistics of a comparison, equal to those of foresight-run."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_RESAMPLES = 10000
_SEED = 1  # Any number, but fixed.

_Words = NDArray[np.uint64]


def standard_error(values: ArrayLike) -> float:
    """The mean's standard error: sample deviation / sqrt(n); 0 for one value."""
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        return 0.0
    return float(np.std(array, ddof=1) / np.sqrt(len(array)))


def bootstrap_interval(
    values: ArrayLike, resamples: int = _RESAMPLES, seed: int = _SEED
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean.

    It draws the very samples that foresight-run draws, so that the same episodes
    have the same interval.
    """
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    draws = mersenne_twister_64(seed, resamples * n) % np.uint64(n)
    means = array[draws.astype(np.intp)].reshape(resamples, n).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def mersenne_twister_64(seed: int, count: int) -> _Words:
    """The first `count` draws of C++'s std::mt19937_64; NumPy has only the 32-bit
    generator. Nishimura and Matsumoto, doi.org/10.1145/369534.369540.
    """
    words, middle = 312, 156
    state: _Words = np.empty(words, dtype=np.uint64)
    state[0] = word = seed % 2**64
    for i in range(1, words):
        word = (6364136223846793005 * (word ^ word >> 62) + i) % 2**64
        state[i] = word
    blocks: list[_Words] = []
    for _ in range(-(-count // words)):
        # The new first half depends on old words only. The new second half also
        # depends on the new first half, and its last word on the new first word.
        first = _twist(state[:middle], state[1 : middle + 1], state[middle:])
        tail = np.append(state[middle + 1 :], first[0])
        state = np.concatenate([first, _twist(state[middle:], tail, first)])
        blocks.append(_temper(state))
    return np.concatenate(blocks)[:count] if blocks else np.empty(0, np.uint64)


def _twist(word: _Words, following: _Words, ahead: _Words) -> _Words:
    upper, lower = np.uint64(0xFFFFFFFF80000000), np.uint64(0x7FFFFFFF)
    mixed = (word & upper) | (following & lower)
    odd = np.where(mixed & np.uint64(1), np.uint64(0xB5026F5AA96619E9), np.uint64(0))
    twisted: _Words = ahead ^ (mixed >> np.uint64(1)) ^ odd
    return twisted


def _temper(word: _Words) -> _Words:
    word = word ^ (word >> np.uint64(29) & np.uint64(0x5555555555555555))
    word = word ^ (word << np.uint64(17) & np.uint64(0x71D67FFFEDA60000))
    word = word ^ (word << np.uint64(37) & np.uint64(0xFFF7EEE000000000))
    return word ^ (word >> np.uint64(43))
