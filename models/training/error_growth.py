#!/usr/bin/python3
"""Shows how the errors of a bundle's world model grow in the real environment.

From states of a D4RL file, the recorded actions are repeated in MuJoCo: without
an error, with the model's one-step error added once, and with that error added
after each step, as if the model were exact otherwise. The fourth line shows the
model's own rollouts. If the third line is as high as the fourth, the system
itself makes errors grow; no model with these one-step errors would do better.

Needs h5py and pip install './client/python[gymnasium]'.
"""

import argparse
import json
import pathlib
import sys

import gymnasium
import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "client/run"))
from imagination import Dynamics, imagine  # noqa: E402

LENGTHS = (1, 5, 10)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=pathlib.Path, help="the bundle's folder")
    parser.add_argument("data", type=pathlib.Path, help="D4RL's HDF5 format")
    parser.add_argument("--episodes", required=True,
                        type=lambda text: [int(x) for x in text.split(",")],
                        help="episodes to begin in, such as 3,7; they count\n"
                        "from 0 and have 1000 steps each")
    parser.add_argument("--stride", type=int, default=8,
                        help="steps from one beginning to the next (default: 8)")
    parser.add_argument("--noise-scale", type=float, default=1,
                        help="tau of the model's samples (default: 1)")
    return parser.parse_args()


class Simulator:
    """Steps from any observation; the position x, never observed, is 0."""

    def __init__(self, name):
        self.environment = gymnasium.make(name).unwrapped
        self.environment.reset(seed=0)

    def next_state(self, observation, action):
        data = self.environment.data
        positions = data.qpos.size - 1
        data.qacc_warmstart[:] = 0
        self.environment.set_state(
            np.concatenate([[0.0], observation[:positions]]),
            observation[positions:])
        return self.environment.step(action)[0]


def replay(simulator, state, actions, errors):
    """The states [H, S]; errors[h] [S] is added to the state after step h."""
    path = []
    for action, error in zip(actions, errors):
        state = simulator.next_state(state, action) + error
        path.append(state)
    return np.stack(path)


def main():
    arguments = parse_arguments()
    manifest = json.loads((arguments.bundle / "bundle.json").read_text())
    with h5py.File(arguments.data) as file:
        observations = file["observations"][:].astype(np.float64)
        actions = file["actions"][:].astype(np.float64)
    horizon = max(LENGTHS)
    starts = np.array([
        episode * 1000 + step for episode in arguments.episodes
        for step in range(0, 1000 - horizon, arguments.stride)])
    if starts.size == 0 or starts.max() + horizon >= len(observations):
        sys.exit(f"{arguments.data} has {len(observations)} rows, expected "
                 f"1000 of each episode in --episodes")
    dynamics = Dynamics(arguments.bundle, manifest["weights_sha256"])
    imagined = imagine(dynamics, observations, actions, starts, horizon,
                       particles=1, tau=arguments.noise_scale)[:, 0, 1:]
    # The model's one-step error at each of the recorded states.
    errors = np.stack([
        imagine(dynamics, observations, actions, starts + h, 1, particles=1,
                tau=arguments.noise_scale)[:, 0, 1] - observations[starts + h + 1]
        for h in range(horizon)], axis=1)
    once = errors.copy()
    once[:, 1:] = 0

    simulator = Simulator(manifest["provenance"]["environment"])

    def replays(added):
        paths = []
        for i, start in enumerate(starts):
            if sys.stderr.isatty():
                print(f"\r{i + 1} of {len(starts)}\033[K", end="",
                      file=sys.stderr, flush=True)
            paths.append(replay(simulator, observations[start],
                                actions[start:start + horizon], added[i]))
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        return np.stack(paths)

    real = np.stack([observations[starts + h + 1] for h in range(horizon)], 1)
    print("RMSE in raw units after "
          + ", ".join(str(length) for length in LENGTHS) + " steps, from "
          + f"{len(starts)} recorded states")
    for name, path in (
            ("MuJoCo, no error added", replays(np.zeros_like(errors))),
            ("MuJoCo, the model's error added once", replays(once)),
            ("MuJoCo, the model's error added at each step", replays(errors)),
            ("the model", imagined)):
        rmse = np.sqrt(np.mean((path - real) ** 2, axis=(0, 2)))
        print(f"{name:46}"
              + "".join(f"{rmse[length - 1]:8.3f}" for length in LENGTHS))


if __name__ == "__main__":
    main()
