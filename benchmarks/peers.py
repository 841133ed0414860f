"""Times foresight-bench's decisions in PyTorch (eager, compiled) and JAX (jit).

  deploy/install_dependencies.sh --peers
  foresight-bench --peer-files cases
  PYTHONPATH=.deps/python:.deps/torch:.deps/peers \
      python3 benchmarks/peers.py cases --bench foresight-bench

Reads what foresight-bench wrote: weights, noise, and the gradient that the fused
engine computed. A peer is timed only if it computes the same gradient. Prints
a row for each case and peer; --json writes the rows in foresight-bench's format.
With --bench the fused engine takes turns with the peers, and their times are
also given as multiples of its time. With --threads 1 everything stays on one
core; torch.compile takes minutes for each case.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np


class Case:
    """One setting's numbers, as NumPy arrays."""

    def __init__(self, folder):
        self.__dict__.update(json.loads((folder / "case.json").read_text()))
        manifest = json.loads((folder / "bundle.json").read_text())
        self.kind = manifest["dynamics"]["kind"]
        self.members = manifest["dynamics"]["members"]
        self.embedding_width = manifest["dynamics"]["time_embedding"]
        self.betas = manifest["dynamics"].get("betas", [])
        self.nets = {
            "policy": manifest["policy"],
            "critic": manifest["critic"],
            "reward": manifest["reward"],
            "dynamics": manifest["dynamics"]["network"],
        }
        self.weights = read_safetensors(folder / "weights.safetensors")
        states = manifest["observation_size"]
        noise = np.fromfile(folder / "noise.bin", np.float32)
        self.noise = noise.reshape(self.horizon, -1, self.particles, states)
        self.gradient = np.fromfile(folder / "gradient.bin", np.float32)
        self.observation = np.asarray(self.observation, np.float32)
        # In the exchange form's order: per layer weight, bias, norms.
        layers = len(manifest["policy"]["hidden"]) + 1
        self.psi_names = []
        for i in range(layers):
            for part in (f"layers.{i}.weight", f"layers.{i}.bias",
                         f"norms.{i}.weight", f"norms.{i}.bias"):
                if f"policy.{part}" in self.weights:
                    self.psi_names.append(f"policy.{part}")

        self.schedule = self.make_schedule()

    def inputs(self):
        """The inputs without a gradient."""
        frozen = {n: v for n, v in self.weights.items()
                  if n not in self.psi_names}
        return {**frozen, "observation": self.observation}

    def make_schedule(self):
        """(c1, c2, sigma, embedding) of each sampler step, in their order."""
        width = self.embedding_width
        steps = []
        if self.kind == "mean_flow":
            n = self.sampler_steps
            for i in range(n):
                t, r = 1 - i / n, 1 - (i + 1) / n
                e = np.concatenate([embedding(1000 * t, width // 2),
                                    embedding(1000 * (t - r), width // 2)])
                steps.append((1.0, t - r, 0.0, e))
            return steps
        bars = np.concatenate([[1.0], np.cumprod(1 - np.float64(self.betas))])
        for k in range(len(self.betas), 0, -1):
            beta = self.betas[k - 1]
            root = math.sqrt(1 - beta)
            sigma = math.sqrt(beta * (1 - bars[k - 1]) / (1 - bars[k]))
            steps.append((1 / root, beta / (root * math.sqrt(1 - bars[k])),
                          sigma, embedding(k, width)))
        return steps


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + o for o in info["data_offsets"])
        values = np.frombuffer(data[begin:end], np.float32)
        tensors[name] = values.reshape(info["shape"]).copy()
    return tensors


def embedding(p, width):
    half = width // 2
    w = 10000.0 ** (-np.arange(half) / half)
    return np.concatenate([np.sin(p * w), np.cos(p * w)]).astype(np.float32)


def objective(case, ops, weights, psi, noise, schedule, unroll=True):
    """J as docs/method.md section 1 says, on the arrays of `ops`.

    `schedule` is case.schedule with its embeddings as arrays of `ops`. They are
    made outside of the compiled code: torch.compile would trace NumPy as well.
    """
    w = {**weights, **psi}

    def network(net, prefix, x):
        spec = case.nets[net]
        activation = getattr(ops, spec["activation"])
        for i in range(len(spec["hidden"])):
            x = x @ w[f"{prefix}.layers.{i}.weight"].T
            x = activation(x + w[f"{prefix}.layers.{i}.bias"])
            if spec.get("layer_norm"):
                x = ops.layer_norm(x, w[f"{prefix}.norms.{i}.weight"],
                                   w[f"{prefix}.norms.{i}.bias"],
                                   spec["layer_norm_epsilon"])
        i = len(spec["hidden"])
        return (x @ w[f"{prefix}.layers.{i}.weight"].T
                + w[f"{prefix}.layers.{i}.bias"])

    def standard(net, x):
        return (x - w[f"{net}.input.mean"]) / w[f"{net}.input.std"]

    def policy(s):
        return ops.tanh(network("policy", "policy", standard("policy", s)))

    def transit(s, a, z):
        sa = standard("dynamics", ops.concatenate([s, a]))
        u = z[0]
        for j, (c1, c2, sigma, e) in enumerate(schedule):
            rows = ops.broadcast(e, s.shape[0])
            x = ops.concatenate([u, sa, rows])
            u = c1 * u - c2 * network("dynamics", "dynamics.0", x)
            if sigma > 0:
                u = u + sigma * z[j + 1]
        return s + w["dynamics.output.mean"] + w["dynamics.output.std"] * u

    def step(s, z):
        a = policy(s)
        y = network("reward", "reward",
                    standard("reward", ops.concatenate([s, a])))
        reward = w["reward.output.mean"] + w["reward.output.std"] * y
        return transit(s, a, z), reward.mean()

    s = ops.broadcast(weights["observation"], case.particles)
    if unroll:
        rewards = []
        for h in range(case.horizon):
            s, reward = step(s, noise[h])
            rewards.append(reward)
    else:
        s, rewards = ops.scan(step, s, noise)
    total = sum(case.discount**h * rewards[h] for h in range(case.horizon))
    sa = ops.concatenate([s, policy(s)])
    q = [network("critic", f"critic.{i}", standard(f"critic.{i}", sa))
         for i in range(2)]
    return total + case.discount**case.horizon * ops.minimum(*q).mean()


def ascend(case, ops, value_and_gradient, psi):
    """E steps of limited gradient ascent: the whole decision of each peer."""
    for _ in range(case.steps):
        _, gradient = value_and_gradient(psi)
        norm = ops.norm(gradient)
        limit = case.max_gradient_norm
        scale = case.step_size * ops.at_most_one(limit / norm if limit else 1.0)
        psi = {n: psi[n] + scale * gradient[n] for n in psi}
    return psi


class TorchOps:
    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        self.torch = torch
        functional = torch.nn.functional
        self.relu, self.silu, self.tanh = (torch.relu, functional.silu,
                                           torch.tanh)
        self.minimum = torch.minimum
        self.concatenate = lambda arrays: torch.cat(arrays, -1)
        self.broadcast = lambda x, rows: x.expand(rows, -1)
        self.layer_norm = lambda x, weight, bias, epsilon: (
            functional.layer_norm(x, x.shape[-1:], weight, bias, epsilon))
        self.at_most_one = lambda x: min(float(x), 1.0)

    def norm(self, gradient):
        return self.torch.cat([g.flatten() for g in gradient.values()]).norm()

    def decision(self, case, mode):
        torch = self.torch
        weights = {n: torch.from_numpy(v) for n, v in case.inputs().items()}
        schedule = [(c1, c2, sigma, torch.from_numpy(e))
                    for c1, c2, sigma, e in case.schedule]
        noise = torch.from_numpy(case.noise)
        names = case.psi_names

        def value(*values):
            psi = dict(zip(names, values))
            return objective(case, self, weights, psi, noise, schedule)

        if mode != "eager":
            torch._dynamo.reset()
            value = torch.compile(
                value, mode=None if mode == "default" else mode)

        def value_and_gradient(psi):
            leaves = [psi[n].detach().requires_grad_() for n in names]
            j = value(*leaves)
            return j, dict(zip(names, torch.autograd.grad(j, leaves)))

        psi = {n: torch.from_numpy(case.weights[n]) for n in names}

        def run():
            ascend(case, self, value_and_gradient, psi)

        return run, lambda: [g.numpy() for g in
                             value_and_gradient(psi)[1].values()]


class JaxOps:
    def __init__(self):
        import jax

        self.jax, jnp = jax, jax.numpy
        self.relu, self.silu, self.tanh = jax.nn.relu, jax.nn.silu, jnp.tanh
        self.minimum = jnp.minimum
        self.concatenate = lambda arrays: jnp.concatenate(arrays, -1)
        self.broadcast = lambda x, rows: jnp.broadcast_to(
            x, (rows, x.shape[0]))
        self.scan = jax.lax.scan
        self.norm = lambda gradient: jnp.sqrt(
            sum((g * g).sum() for g in gradient.values()))
        self.at_most_one = lambda x: jnp.minimum(x, 1.0)

    def layer_norm(self, x, weight, bias, epsilon):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) / (variance + epsilon) ** 0.5 * weight + bias

    def decision(self, case, mode):
        jax = self.jax
        weights = {n: jax.numpy.asarray(v) for n, v in case.inputs().items()}
        noise = jax.numpy.asarray(case.noise)
        psi = {n: jax.numpy.asarray(case.weights[n]) for n in case.psi_names}
        unroll = mode == "unrolled"

        def value_and_gradient(psi, noise):
            return jax.value_and_grad(lambda p: objective(
                case, self, weights, p, noise, case.schedule, unroll))(psi)

        @jax.jit
        def whole(psi, noise):
            return ascend(case, self, lambda p: value_and_gradient(p, noise),
                          psi)

        def run():
            jax.block_until_ready(whole(psi, noise))

        first = jax.jit(value_and_gradient)
        return run, lambda: [np.asarray(first(psi, noise)[1][n])
                             for n in case.psi_names]


def relative_error(case, gradient):
    flat = np.concatenate([g.ravel() for g in gradient]).astype(np.float64)
    expected = case.gradient.astype(np.float64)
    return np.linalg.norm(flat - expected) / np.linalg.norm(expected)


class Contestant:
    """A program that decides, and the times of its decisions."""

    def __init__(self, name, time_slice):
        self.name, self.time_slice = name, time_slice
        self.slices = []  # Milliseconds, one per round.

    def ms(self):
        return statistics.median(self.slices)


def peer_slice(run, seconds):
    """The median time, in milliseconds, of the decisions made within `seconds`."""
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def fused_slice(bench, case, threads, seconds):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run(
            [bench, "--cases", case, "--threads", str(threads),
             "--no-autograd", "--seconds", str(seconds), "--json", file.name],
            check=True, stdout=subprocess.DEVNULL)
        rows = json.loads(pathlib.Path(file.name).read_text())
    return next(row["ms"] for row in rows
                if row["engine"] == "fused" and row["precision"] == "fp32"
                and row["threads"] == threads)


def ready_peers(case, ops, peers):
    """The peers whose gradient equals the fused engine's, compiled and warm; and
    whether that holds for every peer."""
    ready, right = [], True
    for peer in peers:
        library, mode = peer.split(":")
        begin = time.perf_counter()
        run, gradient = ops[library].decision(case, mode)
        error = relative_error(case, gradient())
        # Close enough for float32 on a rollout that is not chaotic.
        if not error < 1e-3:
            print(f"{case.name} {peer}: gradient is off by {error:.1e}")
            right = False
            continue
        run()
        spent = time.perf_counter() - begin
        print(f"{case.name:24} {peer:22} gradient within {error:.0e}, ready "
              f"after {spent:.0f} s", flush=True)
        ready.append(Contestant(
            peer, lambda seconds, run=run: peer_slice(run, seconds)))
    return ready, right


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--bench", type=pathlib.Path,
                        help="foresight-bench, to time the fused engine by "
                             "turns with the peers")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1,
                        help="of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", help="such as 0,1; default: all there are")
    parser.add_argument(
        "--peers", help="comma-separated",
        default="torch:eager,torch:default,torch:reduce-overhead,"
                "torch:max-autotune,jax:unrolled,jax:scan")
    arguments = parser.parse_args()
    if arguments.threads == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    peers = arguments.peers.split(",")
    ops = {}
    if any(peer.startswith("torch:") for peer in peers):
        ops["torch"] = TorchOps(arguments.threads)
    if any(peer.startswith("jax:") for peer in peers):
        ops["jax"] = JaxOps()
    folders = sorted((f for f in arguments.folder.iterdir()
                      if (f / "case.json").exists()), key=lambda f: f.name)
    if arguments.cases:
        folders = [f for f in folders if f.name in arguments.cases.split(",")]
    rows, wrong = [], 0
    for folder in folders:
        case = Case(folder)
        contestants, right = ready_peers(case, ops, peers)
        wrong += not right
        if arguments.bench:
            contestants.append(Contestant(
                "fused", lambda seconds, number=folder.name: fused_slice(
                    arguments.bench, number, arguments.threads, seconds)))
        for _ in range(arguments.rounds):
            for contestant in contestants:
                contestant.slices.append(
                    contestant.time_slice(arguments.seconds))
        for contestant in contestants:
            ratio = ""
            if arguments.bench:
                ratio = statistics.median(
                    mine / fused for mine, fused in
                    zip(contestant.slices, contestants[-1].slices))
                ratio = f"   {ratio:6.2f} x fused"
            ms = contestant.ms()
            print(f"{case.name:24} {contestant.name:22} {ms:10.3f} ms{ratio}",
                  flush=True)
            rows.append({
                "dynamics": case.kind, "particles": case.particles,
                "horizon": case.horizon, "sampler_steps": case.sampler_steps,
                "steps": case.steps, "engine": contestant.name,
                "precision": "fp32", "threads": arguments.threads, "ms": ms,
                "gflops": case.gigaflop / ms * 1e3, "fraction_of_peak": None})
        if arguments.json:
            arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
