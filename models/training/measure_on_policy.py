#!/usr/bin/python3
"""Plays episodes through a foresight-server and says how far the bundle's
critics are from the returns that follow. Writes the episodes in D4RL's format,
so that "foresight-train evaluate" measures the world model where the policy
goes, not where the recorded data went.

Needs h5py and pip install './client/python[gymnasium]'.
"""

import argparse
import json
import pathlib
import sys

import foresight
import gymnasium
import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "client/run"))
from imagination import network, read_weights  # noqa: E402

# A step counts if the rewards after the episode's limit would change its return
# by less than this fraction.
IGNORED = 0.02
NUMBERS = ("observations", "next_observations", "actions", "rewards")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=pathlib.Path,
                        help="the folder that the server serves")
    parser.add_argument("out", type=pathlib.Path, help="the HDF5 file to write")
    parser.add_argument("--server", default="127.0.0.1:50051",
                        help="address (default: 127.0.0.1:50051)")
    parser.add_argument("--frozen", action="store_true",
                        help="play the pretrained policy (default: adapt it)")
    parser.add_argument("--episodes", type=int, default=2,
                        help="episodes (default: 2)")
    parser.add_argument("--seed", type=int, default=2000,
                        help="the first episode's (default: 2000)")
    parser.add_argument("--settings", type=json.loads, default={},
                        help="other settings of the adaptation, such as\n"
                        "'{\"horizon\": 10}' (default: the bundle's)")
    return parser.parse_args()


def values(manifest, tensors, states, actions):
    """min_b Q_b(s, a) of each row: [N]."""
    inputs = np.concatenate([states, actions], axis=1)

    def critic(b):
        name = f"critic.{b}"
        x = inputs - tensors[f"{name}.input.mean"]
        x = x / tensors[f"{name}.input.std"]
        return network(tensors, name, manifest["critic"], x)[:, 0]

    return np.minimum(critic(0), critic(1))


def play(environment, policy, seed):
    """An episode: a list for each of D4RL's keys."""
    episode = {name: [] for name in NUMBERS + ("terminals", "timeouts")}
    state, _ = environment.reset(seed=seed)
    ended = False
    while not ended:
        action = np.asarray(policy(state))
        after, reward, terminal, timeout, _ = environment.step(action)
        for name, value in zip(episode, (state, after, action, reward, terminal,
                                         timeout)):
            episode[name].append(value)
        state = after
        ended = terminal or timeout
    return episode


def returns(episode, discount):
    """The discounted return from each step, and which steps count."""
    rewards = np.array(episode["rewards"], np.float64)
    found = np.zeros_like(rewards)
    following = 0.0
    for i in reversed(range(len(rewards))):
        following = found[i] = rewards[i] + discount * following
    if episode["terminals"][-1]:
        return found, np.ones(len(rewards), bool)
    left = np.arange(len(rewards), 0, -1)
    return found, discount**left < IGNORED


def main():
    arguments = parse_arguments()
    manifest = json.loads((arguments.bundle / "bundle.json").read_text())
    tensors = read_weights(
        (arguments.bundle / "weights.safetensors").read_bytes())
    environment = gymnasium.make(manifest["provenance"]["environment"])
    episodes = []
    with foresight.connect(arguments.server) as server:
        for i in range(arguments.episodes):
            print(f"\repisode {i + 1} of {arguments.episodes}\033[K", end="",
                  file=sys.stderr, flush=True)
            with server.policy(manifest["name"], seed=arguments.seed + i,
                               **arguments.settings) as policy:
                episodes.append(
                    play(environment,
                         policy.frozen() if arguments.frozen else policy,
                         arguments.seed + i))
    print("\r\033[K", end="", file=sys.stderr)

    rows = {name: np.concatenate([np.asarray(e[name]) for e in episodes])
            for name in episodes[0]}
    with h5py.File(arguments.out, "w") as file:
        for name, value in rows.items():
            kind = np.float32 if name in NUMBERS else bool
            file.create_dataset(name, data=value.astype(kind), compression="gzip")
    pairs = [returns(episode, manifest["discount"]) for episode in episodes]
    following = np.concatenate([found for found, _ in pairs])
    counts = np.concatenate([counted for _, counted in pairs])
    q = values(manifest, tensors, rows["observations"].astype(np.float32),
               rows["actions"].astype(np.float32))
    if not counts.any():
        sys.exit("no episode is long enough to know the return from a step")
    difference = q[counts] - following[counts]
    kind = "frozen" if arguments.frozen else "adapted"
    total = np.mean([np.sum(e["rewards"]) for e in episodes])
    print(f"{kind}: mean return {total:.1f}; over {counts.sum()} steps the "
          f"critics say {q[counts].mean():.1f} and the discounted return is "
          f"{following[counts].mean():.1f} (RMS difference "
          f"{np.sqrt(np.mean(difference**2)):.1f}, correlation "
          f"{np.corrcoef(q[counts], following[counts])[0, 1]:.2f})")


if __name__ == "__main__":
    main()
