"""Decides three times on the model that a foresight-server serves.

  python -m grpc_tools.protoc -I . --python_out=. --grpc_python_out=. \
      proto/adaptation.proto
  python python_client.py 127.0.0.1:50051
  python python_client.py server.example:50051 ca.pem token.txt  # TLS, a token.
"""
import sys

import grpc
from proto import adaptation_pb2 as api
from proto import adaptation_pb2_grpc


def connect(address, ca=None, token=None):
    if ca is None:
        return grpc.insecure_channel(address)
    with open(ca, "rb") as ca_file, open(token) as token_file:
        credentials = grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(ca_file.read()),
            grpc.access_token_call_credentials(token_file.read().strip()))
    return grpc.secure_channel(address, credentials)


server = adaptation_pb2_grpc.AdaptationStub(connect(*sys.argv[1:]))
session = server.OpenSession(api.OpenSessionRequest(seed=1))
observation = [0.0] * session.model.observation_size  # From your environment.
for _ in range(3):
    request = api.ActRequest(session_id=session.session_id, observation=observation)
    answer = server.Act(request, timeout=1)
    print(api.Outcome.Name(answer.report.outcome), list(answer.action))
server.CloseSession(api.CloseSessionRequest(session_id=session.session_id))
