"""Plays the episodes of a comparison, several at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Unpack, cast

from foresight.comparison import Comparison, Pair, compare
from foresight.connection import Tls
from foresight.episodes import Env, Episode, check_fits, play
from foresight.errors import Cancelled, Error, InvalidArgument
from foresight.options import PolicyOptions, Settings
from foresight.progress import Progress
from foresight.retry import Retry
from foresight.server import Server, connect
from foresight.token_file import PathLike


def evaluate(
    env: str | Callable[[], Env],
    episodes: int = 10,
    address: str = "127.0.0.1:50051",
    *,
    model: str = "",
    seed: int = 1000,
    max_steps: int = 1000,
    parallel: int | None = None,
    budget: float | None = None,
    timeout: float = 10.0,
    tls: Tls | None = None,
    token: str | None = None,
    token_file: PathLike | None = None,
    progress: bool = False,
    **settings: Unpack[Settings],
) -> Comparison:
    """Plays every seed with the frozen and with the adapted policy and compares.

    This is foresight-run's comparison: the same episodes, statistics and fields. Runs
    repeat exactly: an episode's seed also draws its imagined noise.

    Args:
        env: the id of a gymnasium environment, or a function that makes one.
        episodes: how many seeds.
        address: of the server, host:port.
        model: its name; empty: the only one served.
        seed: of the first episode; later episodes use the next integers.
        max_steps: cuts longer episodes; the environment's limit holds too.
        parallel: episodes at once; None: one per core, at most 8.
        budget: seconds that the server may take for a decision.
        timeout: seconds after which a decision has failed.
        tls: as for `connect`.
        token: as for `connect`.
        token_file: as for `connect`.
        progress: draw a progress bar on standard error.
        settings: of the adaptation; those not given are the model's defaults.

    Errors: the server's; FailedPrecondition: the model is for another environment.
    """
    for name, count in (("episodes", episodes), ("max_steps", max_steps)):
        if count < 1:
            raise InvalidArgument(f"{name} is {count}, expected 1 or more")
    options = cast(PolicyOptions, dict(settings))
    if budget is not None:
        options["budget"] = budget
    workers = min(parallel or min(os.cpu_count() or 1, 8), 2 * episodes)
    with contextlib.ExitStack() as stack:
        # Made before the channel opens, since an environment may fork.
        envs = [_make(env, stack) for _ in range(workers)]
        # An overloaded server makes a run slow; only the timeout makes it fail.
        patience = Retry(max_attempts=1000)
        server = stack.enter_context(
            connect(
                address,
                tls=tls,
                token=token,
                token_file=token_file,
                timeout=timeout,
                retry=patience,
            )
        )
        with server.policy(model, **options) as sample:
            check_fits(sample.model, envs[0].observation_space, envs[0].action_space)
        limit = min(max_steps, _step_limit(envs[0], max_steps))
        bar = stack.enter_context(Progress(2 * episodes, limit, shown=progress))
        tournament = _Tournament(server, sample.model.name, options, limit, bar)
        pairs = tournament.play(range(seed, seed + episodes), envs)
    return compare(_name(env), sample.model, sample.settings, pairs)


def _make(env: str | Callable[[], Env], stack: contextlib.ExitStack) -> Env:
    """An environment that `stack` closes."""
    if callable(env):
        made = env()
    else:
        import gymnasium  # In the extra [gymnasium].

        try:
            made = gymnasium.make(env)
        except gymnasium.error.Error as error:
            raise InvalidArgument(str(error)) from error
    stack.callback(getattr(made, "close", lambda: None))
    return made


def _name(env: str | Callable[[], Env]) -> str:
    return env if isinstance(env, str) else getattr(env, "__name__", "environment")


def _step_limit(env: Any, default: int) -> int:
    """The steps after which gymnasium's TimeLimit cuts an episode, or `default`."""
    spec = getattr(env, "spec", None)
    return getattr(spec, "max_episode_steps", None) or default


class _Tournament:
    def __init__(
        self,
        server: Server,
        model: str,
        options: PolicyOptions,
        max_steps: int,
        progress: Progress,
    ) -> None:
        self._server = server
        self._model = model
        self._options = options
        self._max_steps = max_steps
        self._progress = progress
        self._stop = threading.Event()
        self._idle: queue.SimpleQueue[Env] = queue.SimpleQueue()

    def play(self, seeds: Sequence[int], envs: Sequence[Env]) -> list[Pair]:
        """Plays on all of `envs` at once. The first failure ends the others; all
        sessions are closed when this returns or raises."""
        for env in envs:
            self._idle.put(env)
        with concurrent.futures.ThreadPoolExecutor(len(envs)) as pool:
            plans = [(seed, adapt) for seed in seeds for adapt in (False, True)]
            played = [pool.submit(self._play_one, *plan) for plan in plans]
            try:
                for future in concurrent.futures.as_completed(played):
                    future.result()
            except BaseException:
                self._stop.set()
                raise
        episodes = [future.result() for future in played]
        return [
            Pair(*pair)
            for pair in zip(seeds, episodes[::2], episodes[1::2], strict=True)
        ]

    def _play_one(self, seed: int, adapt: bool) -> Episode:
        options = self._options if adapt else {**self._options, "steps": 0}
        env = self._idle.get()
        try:
            self._go_on()
            with self._server.policy(self._model, **options) as policy:
                (episode,) = play(
                    env,
                    policy,
                    seed=seed,
                    max_steps=self._max_steps,
                    on_step=self._on_step,
                )
        except Error as error:
            kind = "adapted" if adapt else "frozen"
            error.add_note(f"in the {kind} episode of seed {seed}")
            raise
        finally:
            self._idle.put(env)
        self._progress.finish_episode(episode.steps)
        return episode

    def _on_step(self) -> None:
        self._go_on()
        self._progress.add_step()

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Cancelled("another episode failed, or the run was interrupted")
