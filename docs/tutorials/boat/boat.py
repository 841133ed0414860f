"""A boat that holds its place in a river: an environment, data from it, and a
comparison. docs/tutorials/own-environment.md walks through this file.

usage: boat.py collect FILE [EPISODES]    record episodes of clumsy helmsmen
       boat.py inspect FILE               say what a recording holds
       boat.py evaluate [ADDRESS]         frozen against adapted, on a server
"""

import sys

import gymnasium
import h5py
import numpy as np


class Boat(gymnasium.Env):
    """The boat's buoy is at the origin of a river that flows along x, fastest in
    its middle.

    Observation [4]: the position x, y in metres, the velocity in metres a second.
    Action [2]: the thrust along x and y, each in [-1, 1].
    Reward: near 1 at the buoy, less with distance and with thrust.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (4,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    step_s = 0.1

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = self.np_random.uniform(-2, 2, 2)
        self.velocity = self.np_random.uniform(-0.2, 0.2, 2)
        return self._observe(), {}

    def step(self, action):
        thrust = np.clip(np.asarray(action, dtype=np.float64), -1, 1)
        current = np.array([0.8 * np.exp(-self.position[1] ** 2), 0.0])
        through_water = self.velocity - current
        drag = (0.5 + np.linalg.norm(through_water)) * through_water
        self.velocity = self.velocity + self.step_s * (2 * thrust - drag)
        self.position = self.position + self.step_s * self.velocity
        nearness = np.exp(-np.linalg.norm(self.position))
        reward = nearness - 0.05 * np.sum(thrust**2)
        return self._observe(), float(reward), False, False, {}

    def _observe(self):
        return np.concatenate([self.position, self.velocity]).astype(np.float32)


# gymnasium cuts each episode after 100 steps: it returns truncated = True.
gymnasium.register("Boat-v0", entry_point=Boat, max_episode_steps=100)


class Helmsman:
    """Steers towards the buoy, with a gain, a bias and a tremor of its own."""

    def __init__(self, random):
        self.random = random
        self.gain, self.damping = random.uniform(0, 1, 2)
        self.bias = random.uniform(-0.5, 0.5, 2)
        self.tremor = random.uniform(0.1, 0.6)

    def __call__(self, observation):
        position, velocity = observation[:2], observation[2:]
        thrust = self.bias - self.gain * position - self.damping * velocity
        thrust = thrust + self.random.normal(0, self.tremor, 2)
        return np.clip(thrust, -1, 1).astype(np.float32)


def collect(path, episodes=200):
    """Writes D4RL's format: row i is (observation, action, reward) of one step."""
    env = gymnasium.make("Boat-v0")
    random = np.random.default_rng(0)
    names = ("observations", "actions", "rewards", "terminals", "timeouts")
    rows = {name: [] for name in names}
    for episode in range(int(episodes)):
        helmsman = Helmsman(random)
        observation, _ = env.reset(seed=episode)
        over = False
        while not over:
            action = helmsman(observation)
            following, reward, terminated, truncated, _ = env.step(action)
            row = (observation, action, reward, terminated, truncated)
            for name, value in zip(names, row, strict=True):
                rows[name].append(value)
            observation, over = following, terminated or truncated
    with h5py.File(path, "w") as file:
        for name, values in rows.items():
            file[name] = np.array(values)


def inspect(path):
    with h5py.File(path) as file:
        for name, data in file.items():
            print(f"{name:<14}{data.dtype!s:<9}{data.shape}")
        ended = np.logical_or(file["terminals"], file["timeouts"])
        ends = np.flatnonzero(ended) + 1
        returns = [part.sum() for part in np.split(file["rewards"], ends)[:-1]]
        largest = np.abs(file["actions"]).max()
    print(
        f"{len(returns)} episodes, return {np.mean(returns):.1f} on average, "
        f"{np.max(returns):.1f} at best; actions up to {largest:g}"
    )


def evaluate(address="127.0.0.1:50051"):
    import foresight

    print(foresight.evaluate("Boat-v0", episodes=20, address=address))


if __name__ == "__main__":
    {"collect": collect, "inspect": inspect, "evaluate": evaluate}[sys.argv[1]](
        *sys.argv[2:]
    )
