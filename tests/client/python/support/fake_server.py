"""A server in this process that numbers decisions as the contract says, and fails
as a test wants it to."""

import concurrent.futures
import contextlib

import grpc
from google.rpc import error_details_pb2, status_pb2

from foresight.v1 import adaptation_pb2 as v1
from foresight.v1 import adaptation_pb2_grpc


EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
MODEL = v1.Model(name="fake", observation_size=2, action_size=2)


class Failure(Exception):
    def __init__(self, code, reason, retry_after=None, next_decision=None):
        super().__init__(reason)
        self.code, self.reason, self.retry_after = code, reason, retry_after
        self.next_decision = next_decision

    def details(self):
        status = status_pb2.Status(code=self.code.value[0], message=str(self))
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain="foresight")
        if self.next_decision is not None:
            info.metadata["next_decision"] = str(self.next_decision)
        status.details.add().Pack(info)
        if self.retry_after is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(round(1000 * self.retry_after))
            status.details.add().Pack(retry)
        return status.SerializeToString()

    def answer(self):
        error = v1.Error(
            code=self.code.value[0],
            reason=self.reason,
            message=str(self),
            next_decision=self.next_decision,
        )
        if self.retry_after is not None:
            error.retry_after.FromMilliseconds(round(1000 * self.retry_after))
        return error


class FakeSession:
    def __init__(self):
        self.next = 0
        self.observation = None


class FakeAdaptation(adaptation_pb2_grpc.AdaptationServicer):
    """Its action is [observation[0], decision index].

    Each of the next calls of Act ends with one of `failures`, before its decision is
    made, or with one of `losses`, after it was made.
    """

    def __init__(self):
        self.sessions = {}
        self.failures = []
        self.losses = []
        self.epoch = 0
        self.max_sessions = None
        self.asked = []  # Every request of Act and Control.
        self.metadata = []  # One per session opened.
        self.affinities = []  # The header x-session-id of calls, None without it.
        self.streams = 0
        self.answers_per_stream = None  # Then the stream ends ..
        self.end_of_stream = grpc.StatusCode.UNAVAILABLE  # .. with this code.

    def ListModels(self, request, context):
        return v1.ListModelsResponse(models=[MODEL])

    def OpenSession(self, request, context):
        self._note(context)
        self.metadata.append(dict(context.invocation_metadata()))
        if len(self.sessions) == self.max_sessions:
            self._abort(context, Failure(EXHAUSTED, "SESSIONS_FULL"))
        session_id = f"session-{len(self.sessions)}"
        self.sessions[session_id] = FakeSession()
        return self._describe(session_id)

    def ResetSession(self, request, context):
        self.sessions[request.session_id] = FakeSession()
        return self._describe(request.session_id)

    def CloseSession(self, request, context):
        self._note(context)
        del self.sessions[request.session_id]
        return v1.CloseSessionResponse()

    def Act(self, request, context):
        self._note(context)
        try:
            return self._decide(request)
        except Failure as failure:
            self._abort(context, failure)

    def Control(self, requests, context):
        self._note(context)
        self.streams += 1
        for count, request in enumerate(requests):
            if count == self.answers_per_stream:
                context.abort(self.end_of_stream, "the stream broke")
            answer = v1.ControlResponse(
                session_id=request.session_id, decision_index=request.decision_index
            )
            try:
                answer.response.CopyFrom(self._decide(request))
            except Failure as failure:
                answer.error.CopyFrom(failure.answer())
            yield answer

    def _note(self, context):
        metadata = dict(context.invocation_metadata())
        self.affinities.append(metadata.get("x-session-id"))

    def _abort(self, context, failure):
        context.set_trailing_metadata((("grpc-status-details-bin", failure.details()),))
        context.abort(failure.code, str(failure))

    def _describe(self, session_id):
        return v1.Session(session_id=session_id, model=MODEL, epoch=self.epoch)

    def _decide(self, request):
        self.asked.append(request)
        if self.failures:
            raise self.failures.pop(0)
        session = self.sessions[request.session_id]
        observation = list(request.observation)
        index = request.decision_index
        if index > session.next:
            raise Failure(
                grpc.StatusCode.FAILED_PRECONDITION,
                "DECISION_SKIPPED",
                next_decision=session.next,
            )
        if index < session.next and observation != session.observation:
            raise Failure(grpc.StatusCode.FAILED_PRECONDITION, "DECISION_CHANGED")
        session.next, session.observation = index + 1, observation
        if self.losses:
            raise self.losses.pop(0)
        return v1.ActResponse(
            session_id=request.session_id,
            decision_index=index,
            action=[observation[0], index],
            epoch=self.epoch,
        )


@contextlib.contextmanager
def serving(adaptation, credentials=None):
    """The address of a server for `adaptation`."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
    adaptation_pb2_grpc.add_AdaptationServicer_to_server(adaptation, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
