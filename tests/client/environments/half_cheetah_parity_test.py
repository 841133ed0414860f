"""HalfCheetah is gymnasium's HalfCheetah-v4: same start, same actions, same
observations and rewards over whole episodes.

usage: half_cheetah_parity_test.py environment_trace
"""

import os
import subprocess
import sys
import tempfile
import types
import warnings

import numpy as np

# gymnasium imports its window library even when it draws nothing.
sys.modules.setdefault("glfw", types.ModuleType("glfw"))
warnings.filterwarnings("ignore")

import gymnasium  # noqa: E402

STEPS = 1000
# Equal bit by bit where this was written; the bound leaves room for another
# processor's fused multiply-adds in MuJoCo, none for another formula.
TOLERANCE = 1e-9


def trace(program, start, actions):
    """What the C++ environment does: [STEPS + 1] rows of numbers."""
    lines = [start] + [" ".join(f"{a:.9g}" for a in row) for row in actions]
    output = subprocess.run(
        [program, "HalfCheetah-v4"],
        input="\n".join(lines),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    rows = [line.split() for line in output.splitlines()]
    return [[float.fromhex(number) for number in row] for row in rows]


def compare(name, environment, first, actions, rows):
    assert len(rows) == STEPS + 1, f"{name}: {len(rows)} rows"
    assert len(rows[0]) == 17, f"{name}: {len(rows[0])} numbers at the start"
    worst = np.abs(np.array(rows[0]) - first).max()
    for step, (action, row) in enumerate(zip(actions, rows[1:])):
        observation, reward, terminated, truncated, _ = environment.step(action)
        assert not terminated and truncated == (step == STEPS - 1)
        expected = np.append(observation, reward)
        worst = max(worst, np.abs(np.array(row) - expected).max())
        assert worst <= TOLERANCE, (
            f"{name}: differs by {worst} at step {step}:\n{row}\n{expected}"
        )
    print(f"{name}: largest difference {worst}")


def main():
    program = sys.argv[1]
    environment = gymnasium.make("HalfCheetah-v4")
    random = np.random.default_rng(7)
    # Some beyond the actuators' range: they saturate, their cost does not.
    shape = (STEPS, 6)
    for seed in (0, 1000, 2**40 + 3):
        actions = random.uniform(-1.2, 1.2, shape).astype(np.float32)
        first, _ = environment.reset(seed=seed)
        rows = trace(program, f"seed {seed}", actions)
        compare(f"seed {seed}", environment, first, actions, rows)

    for scale in (0.1, 1.0):
        actions = random.uniform(-1, 1, shape).astype(np.float32)
        position = random.uniform(-scale, scale, 9)
        velocity = scale * random.standard_normal(9)
        environment.reset(seed=1)
        inner = environment.unwrapped
        inner.set_state(position, velocity)
        first = np.concatenate([position[1:], velocity])
        numbers = " ".join(repr(float(v)) for v in [*position, *velocity])
        rows = trace(program, f"state 9 9 {numbers}", actions)
        compare(f"state {scale}", environment, first, actions, rows)


if __name__ == "__main__":
    # Python's MuJoCo writes its log into the working folder.
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
