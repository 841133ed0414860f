"""A policy for one environment."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from foresight.decisions import Loop, Round
from foresight.errors import FailedPrecondition, InvalidArgument
from foresight.messages import Array, Decision, Model, to_array, to_model
from foresight.options import PolicyOptions, Settings, to_settings
from foresight.retry import Attempts
from foresight.v1 import adaptation_pb2 as v1

if TYPE_CHECKING:
    from foresight.server import Server


class SessionPolicy:
    """The part that sync and async policies share."""

    def __init__(self, session: v1.Session, options: PolicyOptions) -> None:
        self._loop = Loop(session)
        self._options = options
        self._last: Decision | None = None
        self.model: Model = to_model(session.model)
        self.settings: Settings = to_settings(session.settings)  # Complete.

    @property
    def seed(self) -> int:
        """The seed of the imagined noise."""
        return self._loop.session.seed

    @property
    def lost_decisions(self) -> int:
        """The number of answered decisions that the server has lost in a crash. The
        policy goes on from the last one that the server kept."""
        return self._loop.lost_decisions

    @property
    def last(self) -> Decision:
        """The last decision. Errors: FailedPrecondition: there is none yet."""
        if self._last is None:
            raise FailedPrecondition("no decision has been made yet")
        return self._last

    def _frozen_options(self) -> PolicyOptions:
        return {**self._options, **self.settings, "steps": 0}

    def _begin(
        self, observation: ArrayLike, attempts: Attempts, patient: bool
    ) -> Round:
        array = to_array(observation, (self.model.observation_size,))
        return Round([self._loop], [array], self._options, attempts, patient)

    def _finish(self, round: Round) -> Array:
        self._last = round.decisions[self._loop]
        return self._last.action


class Policy(SessionPolicy):
    """Made by Server.policy; closed by `close` or at the end of a `with`.

    Call it with an observation [S] to get an action [A], each in [-1, 1]. After an
    error it is unknown whether the server decided; calling again, with the same
    observation or a newer one, is right in either case.
    """

    def __init__(
        self, server: Server, session: v1.Session, options: PolicyOptions
    ) -> None:
        super().__init__(session, options)
        self._server = server

    def __call__(self, observation: ArrayLike) -> Array:
        """As `act`."""
        return self.act(observation)

    def act(self, observation: ArrayLike, *, patient: bool = False) -> Array:
        """The action [A] for an observation [S], in raw units.

        Args:
            patient: ask again, until the timeout, if the budget ran out before the
                server could begin; for an environment that waits for its action.
        """
        attempts = self._server.attempts(self._options.get("timeout"))
        round = self._begin(observation, attempts, patient)
        while round.requests:
            (request,) = round.requests
            answer = self._server.try_call("Act", request, attempts.remaining)
            self._server.wait(round.take([answer]))
        return self._finish(round)

    def reset(self, *, keep: bool = False, seed: int | None = None) -> None:
        """Begins the next episode, with the pretrained policy.

        Args:
            keep: go on with the adapted policy instead.
            seed: the imagined noise's seed from now on; None keeps the present one.
        """
        request = self._loop.reset_request(keep, seed)
        self._loop.restart(self._server.call("ResetSession", request), keep=keep)

    def frozen(self) -> Policy:
        """The same policy without adaptation, on another session."""
        return self._server.policy(self.model.name, **self._frozen_options())

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Array, Any]:
        """As `predict` of Stable-Baselines3's models, for its evaluate_policy.

        Args:
            observation: [S], or [1, S] as from a vector of one environment.
            state: returned unchanged; the session holds the state.
            episode_start: whether an episode begins; the policy is then reset.
            deterministic: ignored; the policy is always deterministic.
        """
        if np.ndim(observation) == 2 and len(observation) != 1:
            raise InvalidArgument(
                f"got {len(observation)} observations at once, expected one; "
                "Server.vector_policy makes a policy for several environments"
            )
        if np.any(episode_start) and not self._loop.fresh:
            self.reset()
        action = self(np.reshape(observation, -1))
        return action.reshape(*np.shape(observation)[:-1], -1), state

    def close(self) -> None:
        """Frees the session on the server. If it cannot be closed, it expires."""
        self._server.close_session(self._loop.session)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
