"""A policy for several environments at once."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foresight.decisions import Loop, Round
from foresight.errors import FailedPrecondition, InvalidArgument
from foresight.messages import Array, Decision, Model, to_array, to_model
from foresight.options import PolicyOptions, Settings, to_seed, to_settings
from foresight.retry import Attempts
from foresight.v1 import adaptation_pb2 as v1

if TYPE_CHECKING:
    from foresight.server import Server


Mask = NDArray[np.bool_]  # [N]


class VectorEnv(Protocol):
    """The part of gymnasium.vector.VectorEnv that is used."""

    num_envs: int
    metadata: dict[str, Any]


Environments = VectorEnv | int


def environment_count(envs: Environments) -> int:
    count = envs if isinstance(envs, int) else envs.num_envs
    if count < 1:
        raise InvalidArgument(f"there are {count} environments, expected 1 or more")
    return count


class SessionsPolicy:
    """The part that sync and async vector policies share."""

    def __init__(
        self,
        envs: Environments,
        sessions: Sequence[v1.Session],
        options: PolicyOptions,
    ) -> None:
        self._envs = envs
        self._loops = [Loop(session) for session in sessions]
        self._options = options
        self._ended = np.zeros(len(sessions), dtype=bool)
        self._ignores_an_action = _ignores_an_action(envs)
        self._last: dict[Loop, Decision] = {}
        self.num_envs = len(sessions)
        self.model: Model = to_model(sessions[0].model)
        self.settings: Settings = to_settings(sessions[0].settings)  # Complete.

    @property
    def seeds(self) -> list[int]:
        """The seeds of the imagined noise, one per environment."""
        return [loop.session.seed for loop in self._loops]

    @property
    def lost_decisions(self) -> list[int]:
        """As Policy.lost_decisions, one for each environment."""
        return [loop.lost_decisions for loop in self._loops]

    @property
    def last(self) -> list[Decision]:
        """The last decision for each environment.

        Errors: FailedPrecondition: there is none yet.
        """
        if not self._last:
            raise FailedPrecondition("no decision has been made yet")
        return [self._last[loop] for loop in self._loops]

    def ended(self, mask: ArrayLike) -> None:
        """Records which episodes ended with this step: `terminated | truncated`.

        The policy then follows the environments' autoreset mode.
        """
        self._ended |= self._to_mask(mask)

    @property
    def skips(self) -> Mask:
        """The environments that ignore the next action: their action is zero, and
        the server is not asked for it."""
        skips: Mask = self._ended & self._ignores_an_action
        return skips

    def _frozen_options(self) -> PolicyOptions:
        return {**self._options, **self.settings, "steps": 0}

    def _begin(
        self, observations: ArrayLike, attempts: Attempts, patient: bool
    ) -> Round:
        shape = (self.num_envs, self.model.observation_size)
        array = to_array(observations, shape)
        asked = np.flatnonzero(~self.skips)
        loops = [self._loops[i] for i in asked]
        return Round(loops, array[asked], self._options, attempts, patient)

    def _finish(self, round: Round) -> Array:
        self._ended[:] = False
        actions = np.zeros((self.num_envs, self.model.action_size), dtype=np.float32)
        for i, loop in enumerate(self._loops):
            if loop in round.decisions:
                self._last[loop] = round.decisions[loop]
                actions[i] = round.decisions[loop].action
        return actions

    def _to_mask(self, mask: ArrayLike | None) -> Mask:
        if mask is None:
            return np.ones(self.num_envs, dtype=bool)
        array = np.asarray(mask, dtype=bool)
        if array.shape != (self.num_envs,):
            raise InvalidArgument(
                f"the mask has shape {array.shape}, expected {(self.num_envs,)}"
            )
        return array

    def _used(self, mask: ArrayLike | None) -> Mask:
        """`mask` without the sessions that are still in their initial state."""
        used = np.array([not loop.fresh for loop in self._loops], dtype=bool)
        used &= self._to_mask(mask)
        return used


class VectorPolicy(SessionsPolicy):
    """Made by Server.vector_policy; closed by `close` or at the end of a `with`.

    Call it with observations [N, S] to get actions [N, A]. All decisions travel
    over one stream and are made side by side on the server.
    """

    def __init__(
        self,
        server: Server,
        envs: Environments,
        sessions: Sequence[v1.Session],
        options: PolicyOptions,
    ) -> None:
        super().__init__(envs, sessions, options)
        self._server = server
        self._stream = server.open_stream()

    def __call__(self, observations: ArrayLike) -> Array:
        """As `act`."""
        return self.act(observations)

    def act(self, observations: ArrayLike, *, patient: bool = False) -> Array:
        """The actions [N, A] for observations [N, S], in raw units.

        Args:
            patient: as for Policy.act.
        """
        attempts = self._server.attempts(self._options.get("timeout"))
        self._reset(self._used(self._ended))
        round = self._begin(observations, attempts, patient)
        while round.requests:
            answers = self._stream.exchange(round.requests, attempts.remaining)
            self._server.wait(round.take(answers))
        return self._finish(round)

    def reset(
        self,
        mask: ArrayLike | None = None,
        *,
        keep: bool = False,
        seed: int | None = None,
    ) -> None:
        """Begins the next episodes, with the pretrained policy.

        Args:
            mask: the environments whose episode begins; None: all.
            keep: go on with the adapted policies instead.
            seed: of the imagined noise from now on, `seed` + i for environment i;
                None: as before.
        """
        self._reset(self._to_mask(mask), keep, seed)

    def frozen(self) -> VectorPolicy:
        """The same policies without adaptation, on sessions of their own."""
        return self._server.vector_policy(
            self._envs, self.model.name, **self._frozen_options()
        )

    def predict(
        self,
        observation: ArrayLike,
        state: Any = None,
        episode_start: ArrayLike | None = None,
        deterministic: bool = False,
    ) -> tuple[Array, Any]:
        """Like Stable-Baselines3's models, for its evaluate_policy.

        Args:
            observation: [N, S].
            state: returned unchanged; the sessions hold the state.
            episode_start: [N], where an episode begins; the policy is reset there.
            deterministic: makes no difference: the policies always are deterministic.
        """
        if episode_start is not None:
            self._reset(self._used(episode_start))
        return self(observation), state

    def close(self) -> None:
        """Frees the sessions on the server. Those that cannot be closed expire."""
        self._stream.close()
        for loop in self._loops:
            self._server.close_session(loop.session)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reset(self, mask: Mask, keep: bool = False, seed: int | None = None) -> None:
        for i in np.flatnonzero(mask):
            request = self._loops[i].reset_request(keep, plus(seed, i))
            session = self._server.call("ResetSession", request)
            self._loops[i].restart(session, keep=keep)


def plus(seed: int | None, offset: int) -> int | None:
    """The seed of environment `offset`."""
    return None if seed is None else to_seed(seed, offset)


def _ignores_an_action(envs: Environments) -> bool:
    """Whether the step after an episode's end only resets the environment."""
    if isinstance(envs, int):
        return False
    # Before gymnasium 1.1 this was the only mode, and `metadata` does not name it.
    mode = envs.metadata.get("autoreset_mode", "NextStep")
    return bool(getattr(mode, "value", mode) == "NextStep")
