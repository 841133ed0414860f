"""A bundle's networks and dynamics in numpy (docs/method.md section 2,
docs/bundle-format.md), to compare what they predict with what happened."""

import hashlib
import json
import pathlib
import struct

import numpy as np

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


def embedding(position, width):
    """e_width(position)."""
    frequencies = 10000.0 ** (-np.arange(width // 2) / (width // 2))
    return np.concatenate(
        [np.sin(position * frequencies), np.cos(position * frequencies)]
    )


def read_weights(content):
    """Tensor names -> values, from a safetensors file with float32 only."""
    (size,) = struct.unpack("<Q", content[:8])
    data = content[8 + size :]
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], "<f4").astype(np.float64)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def network(tensors, name, description, x):
    """Applies the network whose tensors begin with `name` to each row of x.
    `description` is its part of bundle.json."""
    hidden = len(description["hidden"])
    for i in range(hidden + 1):
        x = x @ tensors[f"{name}.layers.{i}.weight"].T
        x = x + tensors[f"{name}.layers.{i}.bias"]
        if i == hidden:
            break
        x = ACTIVATIONS[description["activation"]](x)
        if description.get("layer_norm"):
            x = x - x.mean(-1, keepdims=True)
            variance = (x * x).mean(-1, keepdims=True)
            x = x / np.sqrt(variance + description["layer_norm_epsilon"])
            x = x * tensors[f"{name}.norms.{i}.weight"]
            x = x + tensors[f"{name}.norms.{i}.bias"]
    return x


class Dynamics:
    """Raises ValueError if `folder` is not the bundle with these weights."""

    def __init__(self, folder, weights_sha256):
        folder = pathlib.Path(folder)
        content = (folder / "weights.safetensors").read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != weights_sha256:
            raise ValueError(
                f"{folder} has the weights {found}, expected those of the "
                f"served model: {weights_sha256}"
            )
        self.tensors = read_weights(content)
        manifest = json.loads((folder / "bundle.json").read_text())
        self.manifest = manifest["dynamics"]
        steps = manifest["defaults"].get("sampler_steps", 0)
        self.mean_flow_steps = steps or self.manifest.get("sampler_steps", 1)

    def sample(self, predict, random, shape):
        """Samples the change x; predict(u, embedding) is the network."""
        width = self.manifest["time_embedding"]
        u = random.standard_normal(shape)
        if self.manifest["kind"] == "mean_flow":
            n = self.mean_flow_steps
            for i in range(n):
                t, r = 1 - i / n, 1 - (i + 1) / n
                times = [
                    embedding(1000 * t, width // 2),
                    embedding(1000 * (t - r), width // 2),
                ]
                u = u - (t - r) * predict(u, np.concatenate(times))
            return u
        betas = np.array(self.manifest["betas"])
        abars = np.cumprod(1 - betas)
        for k in range(len(betas), 0, -1):
            beta, abar = betas[k - 1], abars[k - 1]
            noise = predict(u, embedding(k, width))
            u = (u - beta / np.sqrt(1 - abar) * noise) / np.sqrt(1 - beta)
            if k > 1:
                sigma = np.sqrt(beta * (1 - abars[k - 2]) / (1 - abar))
                u = u + sigma * random.standard_normal(shape)
        return u

    def next_states(self, states, actions, random):
        """[N, M, S], [N, A] -> [N, M, S]; particle m uses member m mod B."""
        count, particles, _ = states.shape
        actions = np.repeat(actions[:, None], particles, axis=1)
        inputs = np.concatenate([states, actions], -1)
        inputs = inputs - self.tensors["dynamics.input.mean"]
        inputs = inputs / self.tensors["dynamics.input.std"]
        members = self.manifest.get("members", 1)
        changes = np.empty_like(states)
        for member in range(members):
            which = slice(member, None, members)
            known = inputs[:, which]

            def predict(u, times, member=member, known=known):
                times = np.broadcast_to(times, (*u.shape[:-1], len(times)))
                return network(
                    self.tensors,
                    f"dynamics.{member}",
                    self.manifest["network"],
                    np.concatenate([u, known, times], -1),
                )

            changes[:, which] = self.sample(
                predict, random, states[:, which].shape
            )
        changes = changes * self.tensors["dynamics.output.std"]
        return states + self.tensors["dynamics.output.mean"] + changes


def imagine(dynamics, observations, actions, starts, horizon, particles, tau=1):
    """Imagines states from each decision in `starts`, for the actions taken.

    observations [T, S], actions [T, A] -> [N, M, horizon + 1, S], beginning
    with the real states. Each start needs `horizon` further decisions.
    `tau` multiplies the noise. The same call gives the same states.
    """
    random = Scaled(np.random.default_rng(0), tau)
    starts = np.asarray(starts)
    states = np.repeat(observations[starts][:, None], particles, axis=1)
    path = [states]
    for h in range(horizon):
        states = dynamics.next_states(states, actions[starts + h], random)
        path.append(states)
    return np.stack(path, axis=2)


class Scaled:
    """A generator of normal numbers times tau."""

    def __init__(self, random, tau):
        self.random, self.tau = random, tau

    def standard_normal(self, shape):
        return self.tau * self.random.standard_normal(shape)
