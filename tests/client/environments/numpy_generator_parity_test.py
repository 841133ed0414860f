"""NumpyGenerator draws what NumPy draws, bit by bit.

usage: numpy_generator_parity_test.py numpy_generator_trace
"""

import subprocess
import sys

import numpy as np

# Enough that the ziggurat's tail (1 draw in 3,700) and its edges (1 in 150)
# come up hundreds of times.
COUNT = 400_000
SEEDS = [0, 1, 1000, 2**32 - 1, 2**32, 2**63 + 12345, 2**64 - 1]


def main():
    for i, seed in enumerate(SEEDS):
        count = COUNT if i == 0 else 2000
        lines = subprocess.run(
            [sys.argv[1], str(seed), str(count)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        got_raw = [int(line) for line in lines[:count]]
        got = [float.fromhex(line) for line in lines[count:]]

        bits = np.random.PCG64(np.random.SeedSequence(seed))
        generator = np.random.Generator(bits)
        raw = bits.random_raw(count)
        expected = np.concatenate(
            [
                generator.uniform(-0.1, 0.1, count),
                generator.standard_normal(count),
            ]
        )
        assert len(got) == 2 * count, (seed, len(got))
        assert got_raw == raw.tolist(), f"seed {seed}: raw bits differ"
        different = np.flatnonzero(np.array(got) != expected)
        assert different.size == 0, (
            f"seed {seed}: {different.size} of {2 * count} values differ, "
            f"first at {different[0]}: {got[different[0]]!r}, expected "
            f"{expected[different[0]]!r}"
        )
    print(f"{len(SEEDS)} seeds agree bit by bit")


if __name__ == "__main__":
    main()
