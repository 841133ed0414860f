"""The environments are gymnasium's of the same name: same starts, and for the
same actions the same observations, rewards and ends.

usage: environment_parity_test.py environment_trace
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
# Name, and scales of the random states to start from. With the larger scales,
# bodies that can fall begin fallen and with limited velocities.
ENVIRONMENTS = [
    ("HalfCheetah-v4", (0.1, 1.0)),
    ("Hopper-v4", (0.05, 0.3, 5.0)),
    ("Walker2d-v4", (0.05, 0.5, 5.0)),
]
SEEDS = (0, 1000, 2**40 + 3)
RESET_SEEDS = range(2000, 2020)


def trace(program, name, start, actions):
    """Runs the C++ environment: a row of numbers for the start and for
    each action."""
    lines = [start] + [" ".join(f"{a:.9g}" for a in row) for row in actions]
    output = subprocess.run(
        [program, name],
        input="\n".join(lines),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    rows = [line.split() for line in output.splitlines()]
    return [[float.fromhex(number) for number in row] for row in rows]


def compare(name, environment, first, actions, rows):
    """Goes on stepping after an episode has ended. Returns how many steps
    reported an end."""
    size = environment.observation_space.shape[0]
    assert len(rows) == len(actions) + 1, f"{name}: {len(rows)} rows"
    assert len(rows[0]) == size, f"{name}: {len(rows[0])} numbers at the start"
    worst = np.abs(np.array(rows[0]) - first).max()
    ends = 0
    for step, (action, row) in enumerate(zip(actions, rows[1:])):
        observation, reward, terminated, truncated, _ = environment.step(action)
        assert truncated == (step == STEPS - 1)
        assert row[-1] == terminated, f"{name}: terminated differs at {step}"
        ends += terminated
        expected = np.append(observation, reward)
        worst = max(worst, np.abs(np.array(row[:-1]) - expected).max())
        assert worst <= TOLERANCE, (
            f"{name}: differs by {worst} at step {step}:\n{row}\n{expected}"
        )
    print(f"{name}: largest difference {worst}, {ends} steps after the end")
    return ends


def check(program, name, scales):
    environment = gymnasium.make(name)
    inner = environment.unwrapped
    random = np.random.default_rng(7)
    shape = (STEPS, environment.action_space.shape[0])
    ends = []
    for seed in SEEDS:
        # Some actions are beyond the actuators' range: they saturate, but their
        # cost does not.
        actions = random.uniform(-1.2, 1.2, shape).astype(np.float32)
        first, _ = environment.reset(seed=seed)
        rows = trace(program, name, f"seed {seed}", actions)
        text = f"{name}, seed {seed}"
        ends.append(compare(text, environment, first, actions, rows))

    for scale in scales:
        actions = random.uniform(-1, 1, shape).astype(np.float32)
        nq, nv = inner.model.nq, inner.model.nv
        position = inner.init_qpos + random.uniform(-scale, scale, nq)
        velocity = scale * random.standard_normal(nv)
        environment.reset(seed=1)
        inner.set_state(position, velocity)
        numbers = " ".join(repr(float(v)) for v in [*position, *velocity])
        rows = trace(program, name, f"state {nq} {nv} {numbers}", actions)
        text = f"{name}, state {scale}"
        ends.append(
            compare(text, environment, inner._get_obs(), actions, rows)
        )

    falls = name != "HalfCheetah-v4"
    assert any(ends) == falls, f"{name}: ends {ends}"
    for seed in RESET_SEEDS:
        first, _ = environment.reset(seed=seed)
        (row,) = trace(program, name, f"seed {seed}", [])
        assert np.abs(np.array(row) - first).max() <= TOLERANCE, seed


def main():
    for name, scales in ENVIRONMENTS:
        check(sys.argv[1], name, scales)


if __name__ == "__main__":
    # Python's MuJoCo writes its log into the working folder.
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
