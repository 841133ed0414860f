"""Numbers and repeats decisions without waiting: the common core of sync and async
policies."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from foresight.errors import Error, Unavailable
from foresight.messages import Array, Decision, to_decision
from foresight.options import PolicyOptions, to_duration, to_seed
from foresight.retry import Attempts
from foresight.v1 import adaptation_pb2 as v1


class Loop:
    """The client's side of a session: numbers its decisions.

    A decision whose answer was lost may have been made or not. Its index is requested
    again with the newest observation. The server then answers it, or says
    DECISION_CHANGED, which means that it was made and the next index is free. A
    server that came back without its last decisions says DECISION_SKIPPED and which
    decision it expects: the loop goes on there.

    An epoch distinguishes the lives of a session: it grows at each import, take-over
    and restart. An answer with an older epoch comes from a server that no longer owns
    the session, and must not be acted on.
    """

    def __init__(self, session: v1.Session) -> None:
        self.session = session
        self.fresh = True  # As opened: decision 0, the pretrained policy.
        self.lost_decisions = 0  # Answered, but lost by the server since.
        self._next = session.next_decision
        self._epoch = session.epoch
        self._asked = False  # Decision `_next` was requested but not answered.
        self._repeated = False  # The previous request was for it, too.

    def restart(self, session: v1.Session, *, keep: bool) -> None:
        """The session was reset and is now described by `session`."""
        self.session = session
        self.fresh = not keep
        self._next = session.next_decision
        self._epoch = max(self._epoch, session.epoch)
        self._asked = False

    def reset_request(self, keep: bool, seed: int | None) -> v1.ResetSessionRequest:
        return v1.ResetSessionRequest(
            session_id=self.session.session_id,
            keep_policy=keep,
            seed=None if seed is None else to_seed(seed),
        )

    def number(self, request: v1.ActRequest) -> None:
        """Makes `request` a request for the next decision."""
        request.session_id = self.session.session_id
        request.decision_index = self._next
        request.epoch = self._epoch
        self.fresh = False
        self._repeated, self._asked = self._asked, True

    def take(self, response: v1.ActResponse) -> None:
        """Errors: Unavailable: the answer has an older epoch than the newest seen."""
        if response.epoch < self._epoch:
            raise Unavailable(
                f"the answer is of epoch {response.epoch} of the session, "
                f"which is in epoch {self._epoch}"
            )
        self._next = response.decision_index + 1
        self._epoch = response.epoch
        self._asked = False

    def moves_on(self, error: Error) -> bool:
        """Takes an error; returns whether to request another index."""
        if error.reason not in ("DECISION_CHANGED", "DECISION_SKIPPED"):
            return False
        self._asked = False  # The error shows that this decision was not made now.
        if error.reason == "DECISION_SKIPPED":
            expected = error.next_decision
            if expected is None or expected >= self._next:
                return False
            self.lost_decisions += self._next - expected
            self._next = expected
            return True
        if not self._repeated:
            return False
        self._next += 1
        return True


class Round:
    """One decision of each of several loops, with retries.

    While `requests` is not empty, send them, give the answers to `take` and wait
    as long as it says. A `patient` round asks again for a decision whose budget
    ran out before it began.
    """

    def __init__(
        self,
        loops: Iterable[Loop],
        observations: Iterable[Array],
        options: PolicyOptions,
        attempts: Attempts,
        patient: bool,
    ) -> None:
        self.attempts = attempts
        self._patient = patient
        self._late: Counter[Loop] = Counter()
        self.decisions: dict[Loop, Decision] = {}
        self._begin = time.perf_counter()
        self._asking: dict[Loop, v1.ActRequest] = {}
        for loop, observation in zip(loops, observations, strict=True):
            request = v1.ActRequest(
                observation=observation.tolist(),
                plan_length=options.get("plan_length", 0),
                report_objective_after=options.get("objective_after", False),
            )
            if "budget" in options:
                request.budget.CopyFrom(to_duration("budget", options["budget"]))
            loop.number(request)
            self._asking[loop] = request

    @property
    def requests(self) -> list[v1.ActRequest]:
        return list(self._asking.values())

    def take(self, answers: Sequence[v1.ActResponse | Error]) -> float:
        """Takes an answer to each of `requests`; returns the seconds to wait.

        Raises the first error that lasts, after it took all answers.
        """
        errors = []
        for loop, answer in zip(list(self._asking), answers, strict=True):
            try:
                self._take_one(loop, answer)
            except Error as error:
                if not (loop.moves_on(error) or self._waits(loop, error)):
                    errors.append(error)
        wait = self.attempts.wait_after(errors) if errors else 0.0
        for loop, request in self._asking.items():
            loop.number(request)
        return wait

    def _take_one(self, loop: Loop, answer: v1.ActResponse | Error) -> None:
        if isinstance(answer, Error):
            raise answer
        loop.take(answer)
        latency = time.perf_counter() - self._begin
        self.decisions[loop] = to_decision(answer, latency, self._late[loop])
        del self._asking[loop]

    def _waits(self, loop: Loop, error: Error) -> bool:
        late = error.reason == "DEADLINE_EXCEEDED"  # The server's, not this client's.
        if not (late and self._patient and self.attempts.remaining > 0):
            return False
        self._late[loop] += 1
        return True
