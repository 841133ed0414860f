"""Drives gymnasium environments with the policies of a foresight-server.

import foresight
with foresight.connect("localhost:50051") as server, server.policy() as policy:
    action = policy(observation)
"""

from foresight.comparison import Comparison, Pair, Summary
from foresight.connection import Tls
from foresight.episodes import Episode, play, play_vector
from foresight.errors import (
    Aborted,
    AlreadyExists,
    Cancelled,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from foresight.messages import Decision, Model, Outcome
from foresight.options import PolicyOptions, Settings
from foresight.policy import Policy
from foresight.retry import Retry
from foresight.server import Server, connect
from foresight.tournament import evaluate
from foresight.vector import VectorPolicy

__version__ = "0.1.0"

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Cancelled",
    "Comparison",
    "DeadlineExceeded",
    "Decision",
    "Episode",
    "Error",
    "FailedPrecondition",
    "InvalidArgument",
    "Model",
    "NotFound",
    "Outcome",
    "Pair",
    "PermissionDenied",
    "Policy",
    "PolicyOptions",
    "ResourceExhausted",
    "Retry",
    "Server",
    "Settings",
    "Summary",
    "Tls",
    "Unauthenticated",
    "Unavailable",
    "VectorPolicy",
    "connect",
    "evaluate",
    "play",
    "play_vector",
]
