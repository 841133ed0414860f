"""An environment of the served model's size that costs no time."""

import gymnasium
import numpy as np

from support.served import ACTION_SIZE, OBSERVATION_SIZE


class Walk(gymnasium.Env):
    """Its observations are drawn from its seed and the actions do not matter. It
    ends after `steps` steps; the reward is the number of the step."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATION_SIZE,))
    action_space = gymnasium.spaces.Box(-1, 1, (ACTION_SIZE,))

    def __init__(self, steps=3, terminates=True):
        self.steps = steps
        self.terminates = terminates
        self.actions = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.step_count = 0
        return self._observe(), {}

    def step(self, action):
        self.actions.append(np.array(action))
        self.step_count += 1
        over = self.step_count == self.steps
        terminated, truncated = (over, False) if self.terminates else (False, over)
        return self._observe(), float(self.step_count), terminated, truncated, {}

    def _observe(self):
        draws = self.np_random.normal(0, 0.1, OBSERVATION_SIZE)
        return draws.astype(np.float32)
