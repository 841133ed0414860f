"""Compares the dynamics of client/run/imagination.py with closed forms and, for
the shipped hopper, with the simulator."""

import hashlib
import json
import os
import pathlib
import sys
import tempfile
import types
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

# gymnasium imports its window library even when it draws nothing.
sys.modules.setdefault("glfw", types.ModuleType("glfw"))
warnings.simplefilter("ignore")

import gymnasium  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "client/run"))

import imagination  # noqa: E402

HOPPER = ROOT / "models/pretrained/hopper-full-replay"


def bundle(kind, members=1, layer_norm=False):
    """Dynamics whose tensors are random; S = 2, A = 1, T = 4."""
    random = np.random.default_rng(3)
    dynamics = imagination.Dynamics.__new__(imagination.Dynamics)
    widths = [2 + 2 + 1 + 4, 5, 2]
    dynamics.tensors = {
        "dynamics.input.mean": np.array([0.1, -0.2, 0.3]),
        "dynamics.input.std": np.array([0.5, 2.0, 1.5]),
        "dynamics.output.mean": np.array([0.01, 0.02]),
        "dynamics.output.std": np.array([0.3, 0.4]),
    }
    for member in range(members):
        for i in range(2):
            name = f"dynamics.{member}.layers.{i}"
            shape = (widths[i + 1], widths[i])
            dynamics.tensors[f"{name}.weight"] = random.normal(size=shape)
            dynamics.tensors[f"{name}.bias"] = random.normal(size=shape[:1])
        norm = f"dynamics.{member}.norms.0"
        dynamics.tensors[f"{norm}.weight"] = random.normal(size=5)
        dynamics.tensors[f"{norm}.bias"] = random.normal(size=5)
    dynamics.manifest = {
        "kind": kind,
        "members": members,
        "time_embedding": 4,
        "betas": [0.1, 0.3],
        "network": {"hidden": [5], "activation": "silu", "layer_norm": layer_norm,
                    "layer_norm_epsilon": 1e-5},
    }
    dynamics.mean_flow_steps = 2
    return dynamics


def network(dynamics, member, x):
    """What the network makes of one row, in plain loops."""
    tensors = dynamics.tensors
    name = f"dynamics.{member}"

    def layer(i, x):
        weight = tensors[f"{name}.layers.{i}.weight"]
        bias = tensors[f"{name}.layers.{i}.bias"]
        return [sum(w * v for w, v in zip(row, x)) + b
                for row, b in zip(weight, bias)]

    hidden = [v / (1 + np.exp(-v)) for v in layer(0, x)]
    if dynamics.manifest["network"]["layer_norm"]:
        mean = sum(hidden) / 5
        root = np.sqrt(sum((v - mean) ** 2 for v in hidden) / 5 + 1e-5)
        norm = f"{name}.norms.0"
        hidden = [(v - mean) / root * w + b for v, w, b in
                  zip(hidden, tensors[f"{norm}.weight"], tensors[f"{norm}.bias"])]
    return np.array(layer(1, hidden))


class Draws:
    """Instead of random normal numbers gives 0.1, 0.2 and so on."""

    def __init__(self):
        self.drawn = []

    def standard_normal(self, shape):
        size = int(np.prod(shape))
        values = 0.1 + 0.1 * (np.arange(size) + 10 * len(self.drawn))
        self.drawn.append(values.reshape(shape))
        return self.drawn[-1]


def check_formula(kind, members, layer_norm):
    dynamics = bundle(kind, members, layer_norm)
    state, action = np.array([0.7, -0.4]), np.array([0.2])
    particles = 3
    draws = Draws()
    found = dynamics.next_states(
        np.tile(state, (1, particles, 1)), action[None], draws
    )[0]
    known = (np.append(state, action) - [0.1, -0.2, 0.3]) / [0.5, 2.0, 1.5]
    w = [1, 0.01]  # 10000^(-i / 2)
    drawn = iter(draws.drawn)
    for member in range(members):
        z = [next(drawn)[0] for _ in range(2 if kind == "diffusion" else 1)]
        for row, m in enumerate(range(member, particles, members)):
            def net(u, times, member=member):
                return network(dynamics, member, [*u, *known, *times])

            u = z[0][row]
            if kind == "diffusion":
                for k, beta, abar in ((2, 0.3, 0.9 * 0.7), (1, 0.1, 0.9)):
                    times = [np.sin(k), np.sin(k * w[1]), np.cos(k),
                             np.cos(k * w[1])]
                    u = u - beta / np.sqrt(1 - abar) * net(u, times)
                    u = u / np.sqrt(1 - beta)
                    if k == 2:
                        variance = 0.3 * (1 - 0.9) / (1 - 0.63)
                        u = u + np.sqrt(variance) * z[1][row]
            else:
                for t in (1, 0.5):
                    times = [np.sin(1000 * t), np.cos(1000 * t), np.sin(500),
                             np.cos(500)]
                    u = u - 0.5 * net(u, times)
            expected = state + [0.01, 0.02] + np.array([0.3, 0.4]) * u
            np.testing.assert_allclose(found[m], expected, rtol=1e-9)


def check_hopper():
    """A wrong sampler is far worse than the linear fit, whose one-step error is
    0.234 on the held-out episodes; the model's is 0.039."""
    manifest = json.loads((HOPPER / "bundle.json").read_text())
    dynamics = imagination.Dynamics(HOPPER, manifest["weights_sha256"])
    hopper = gymnasium.make("Hopper-v4")
    hopper.action_space.seed(1)
    states, actions = [], []
    for seed in range(8):
        state, _ = hopper.reset(seed=seed)
        ended = False
        while not ended:
            action = hopper.action_space.sample()
            states.append(state)
            actions.append(action)
            state, _, ended, _, _ = hopper.step(action)
        # The episode's last decision has no next state in the list.
        states[-1] = actions[-1] = None
    starts = [n for n, s in enumerate(states[:-1])
              if s is not None and states[n + 1] is not None]
    blank_state, blank_action = np.full(11, np.nan), np.full(3, np.nan)
    states = np.array([blank_state if s is None else s for s in states])
    actions = np.array([blank_action if a is None else a for a in actions])
    path = imagination.imagine(dynamics, states, actions, starts, 1, 8)
    assert path.shape == (len(starts), 8, 2, 11), path.shape
    real = states[np.array(starts) + 1]
    error = np.sqrt(((path[:, :, 1].mean(axis=1) - real) ** 2).mean())
    assert error < 0.234 / 2, error
    again = imagination.imagine(dynamics, states, actions, starts, 1, 8)
    np.testing.assert_array_equal(again, path)
    still = imagination.imagine(dynamics, states, actions, starts, 1, 8, tau=0)
    np.testing.assert_allclose(still, np.repeat(still[:, :1], 8, axis=1), atol=1e-9)
    assert path[:, :, 1].std(axis=1).min() > 1e-6
    print(f"hopper's one-step error on random actions: {error:.3f}")


def check_other_weights():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "weights.safetensors").write_bytes(b"other")
        found = hashlib.sha256(b"other").hexdigest()
        try:
            imagination.Dynamics(folder, "0" * 64)
        except ValueError as error:
            assert found in str(error) and "0" * 64 in str(error), error
        else:
            raise AssertionError("other weights were taken")


def main():
    for kind in ("diffusion", "mean_flow"):
        check_formula(kind, 1, False)
        check_formula(kind, 2, True)
    check_hopper()
    check_other_weights()


if __name__ == "__main__":
    main()
