from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ADAPTED: Outcome
BUNDLE_INVALID: ErrorReason
CANCELLED: ErrorReason
DEADLINE_EXCEEDED: ErrorReason
DECISION_CHANGED: ErrorReason
DECISION_IN_FLIGHT: ErrorReason
DECISION_SKIPPED: ErrorReason
DESCRIPTOR: _descriptor.FileDescriptor
DRAINING: ErrorReason
ERROR_REASON_UNSPECIFIED: ErrorReason
FROZEN: Outcome
INTERNAL: ErrorReason
LIMITED: Outcome
MODELS_FULL: ErrorReason
MODEL_UNKNOWN: ErrorReason
MODE_UNSPECIFIED: Mode
NON_FINITE: Outcome
OBSERVATION_INVALID: ErrorReason
OUTCOME_UNSPECIFIED: Outcome
OVERLOADED: ErrorReason
PERMISSION_DENIED: ErrorReason
PERSIST: Mode
REJECTED: Outcome
RESET: Mode
SESSIONS_FULL: ErrorReason
SESSION_EXISTS: ErrorReason
SESSION_MOVED: ErrorReason
SESSION_UNKNOWN: ErrorReason
SETTINGS_INVALID: ErrorReason
SNAPSHOT_INVALID: ErrorReason
STORE_UNAVAILABLE: ErrorReason
TRUNCATED: Outcome
UNAUTHENTICATED: ErrorReason
WEIGHTS_DIFFER: ErrorReason

class ActRequest(_message.Message):
    __slots__ = ["budget", "decision_index", "epoch", "model", "observation", "plan_length", "report_objective_after", "seed", "session_id", "settings"]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    DECISION_INDEX_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    PLAN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    REPORT_OBJECTIVE_AFTER_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    budget: _duration_pb2.Duration
    decision_index: int
    epoch: int
    model: str
    observation: _containers.RepeatedScalarFieldContainer[float]
    plan_length: int
    report_objective_after: bool
    seed: int
    session_id: str
    settings: AdaptationSettings
    def __init__(self, session_id: _Optional[str] = ..., decision_index: _Optional[int] = ..., observation: _Optional[_Iterable[float]] = ..., budget: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., report_objective_after: bool = ..., model: _Optional[str] = ..., settings: _Optional[_Union[AdaptationSettings, _Mapping]] = ..., seed: _Optional[int] = ..., plan_length: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ActResponse(_message.Message):
    __slots__ = ["action", "decision_index", "epoch", "plan", "report", "session_id"]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DECISION_INDEX_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    action: _containers.RepeatedScalarFieldContainer[float]
    decision_index: int
    epoch: int
    plan: _containers.RepeatedCompositeFieldContainer[Action]
    report: AdaptationReport
    session_id: str
    def __init__(self, session_id: _Optional[str] = ..., decision_index: _Optional[int] = ..., action: _Optional[_Iterable[float]] = ..., report: _Optional[_Union[AdaptationReport, _Mapping]] = ..., plan: _Optional[_Iterable[_Union[Action, _Mapping]]] = ..., epoch: _Optional[int] = ...) -> None: ...

class Action(_message.Message):
    __slots__ = ["values"]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class AdaptationReport(_message.Message):
    __slots__ = ["action_change", "adapt_time", "drift", "gradient_norm", "not_kept", "objective_after", "objective_before", "outcome", "queue_time", "resumed_from", "steps_done", "steps_requested"]
    ACTION_CHANGE_FIELD_NUMBER: _ClassVar[int]
    ADAPT_TIME_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_NORM_FIELD_NUMBER: _ClassVar[int]
    NOT_KEPT_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_AFTER_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FROM_FIELD_NUMBER: _ClassVar[int]
    STEPS_DONE_FIELD_NUMBER: _ClassVar[int]
    STEPS_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    action_change: float
    adapt_time: _duration_pb2.Duration
    drift: float
    gradient_norm: float
    not_kept: bool
    objective_after: float
    objective_before: float
    outcome: Outcome
    queue_time: _duration_pb2.Duration
    resumed_from: int
    steps_done: int
    steps_requested: int
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ..., steps_requested: _Optional[int] = ..., steps_done: _Optional[int] = ..., objective_before: _Optional[float] = ..., objective_after: _Optional[float] = ..., gradient_norm: _Optional[float] = ..., action_change: _Optional[float] = ..., drift: _Optional[float] = ..., queue_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., adapt_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., resumed_from: _Optional[int] = ..., not_kept: bool = ...) -> None: ...

class AdaptationSettings(_message.Message):
    __slots__ = ["accept_only_improvement", "action_step", "discount", "horizon", "max_action_change", "max_drift", "max_gradient_norm", "mode", "noise_scale", "particles", "sampler_steps", "step_size", "steps"]
    ACCEPT_ONLY_IMPROVEMENT_FIELD_NUMBER: _ClassVar[int]
    ACTION_STEP_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTION_CHANGE_FIELD_NUMBER: _ClassVar[int]
    MAX_DRIFT_FIELD_NUMBER: _ClassVar[int]
    MAX_GRADIENT_NORM_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    NOISE_SCALE_FIELD_NUMBER: _ClassVar[int]
    PARTICLES_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_STEPS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEP_SIZE_FIELD_NUMBER: _ClassVar[int]
    accept_only_improvement: bool
    action_step: float
    discount: float
    horizon: int
    max_action_change: float
    max_drift: float
    max_gradient_norm: float
    mode: Mode
    noise_scale: float
    particles: int
    sampler_steps: int
    step_size: float
    steps: int
    def __init__(self, horizon: _Optional[int] = ..., particles: _Optional[int] = ..., steps: _Optional[int] = ..., step_size: _Optional[float] = ..., mode: _Optional[_Union[Mode, str]] = ..., discount: _Optional[float] = ..., max_gradient_norm: _Optional[float] = ..., max_action_change: _Optional[float] = ..., max_drift: _Optional[float] = ..., accept_only_improvement: bool = ..., sampler_steps: _Optional[int] = ..., noise_scale: _Optional[float] = ..., action_step: _Optional[float] = ...) -> None: ...

class CloseSessionRequest(_message.Message):
    __slots__ = ["session_id"]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class CloseSessionResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ControlResponse(_message.Message):
    __slots__ = ["decision_index", "error", "response", "session_id"]
    DECISION_INDEX_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    decision_index: int
    error: Error
    response: ActResponse
    session_id: str
    def __init__(self, session_id: _Optional[str] = ..., decision_index: _Optional[int] = ..., response: _Optional[_Union[ActResponse, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ["code", "message", "next_decision", "reason", "retry_after"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NEXT_DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    next_decision: int
    reason: str
    retry_after: _duration_pb2.Duration
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., retry_after: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., next_decision: _Optional[int] = ...) -> None: ...

class ExportSessionRequest(_message.Message):
    __slots__ = ["session_id"]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ["models"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ["action_size", "defaults", "device", "dynamics", "engine", "environment", "name", "observation_size", "sampler_steps", "version", "weights_sha256"]
    ACTION_SIZE_FIELD_NUMBER: _ClassVar[int]
    DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    DYNAMICS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_SIZE_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_STEPS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    action_size: int
    defaults: AdaptationSettings
    device: str
    dynamics: str
    engine: str
    environment: str
    name: str
    observation_size: int
    sampler_steps: int
    version: str
    weights_sha256: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., weights_sha256: _Optional[str] = ..., observation_size: _Optional[int] = ..., action_size: _Optional[int] = ..., dynamics: _Optional[str] = ..., sampler_steps: _Optional[int] = ..., defaults: _Optional[_Union[AdaptationSettings, _Mapping]] = ..., engine: _Optional[str] = ..., device: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class OpenSessionRequest(_message.Message):
    __slots__ = ["idle_timeout", "model", "seed", "session_id", "settings"]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    idle_timeout: _duration_pb2.Duration
    model: str
    seed: int
    session_id: str
    settings: AdaptationSettings
    def __init__(self, model: _Optional[str] = ..., settings: _Optional[_Union[AdaptationSettings, _Mapping]] = ..., seed: _Optional[int] = ..., idle_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., session_id: _Optional[str] = ...) -> None: ...

class ResetSessionRequest(_message.Message):
    __slots__ = ["keep_policy", "seed", "session_id"]
    KEEP_POLICY_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    keep_policy: bool
    seed: int
    session_id: str
    def __init__(self, session_id: _Optional[str] = ..., seed: _Optional[int] = ..., keep_policy: bool = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ["epoch", "idle_timeout", "model", "next_decision", "seed", "session_id", "settings"]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NEXT_DECISION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    idle_timeout: _duration_pb2.Duration
    model: Model
    next_decision: int
    seed: int
    session_id: str
    settings: AdaptationSettings
    def __init__(self, session_id: _Optional[str] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., settings: _Optional[_Union[AdaptationSettings, _Mapping]] = ..., seed: _Optional[int] = ..., next_decision: _Optional[int] = ..., idle_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., epoch: _Optional[int] = ...) -> None: ...

class SessionSnapshot(_message.Message):
    __slots__ = ["snapshot"]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    snapshot: bytes
    def __init__(self, snapshot: _Optional[bytes] = ...) -> None: ...

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
