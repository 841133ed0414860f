"""Decides three times on the model that a foresight-server serves.

  python -m grpc_tools.protoc -I . --python_out=. --grpc_python_out=. \
      proto/adaptation.proto
  python python_client.py 127.0.0.1:50051
"""
import sys

import grpc
from proto import adaptation_pb2 as api
from proto import adaptation_pb2_grpc

server = adaptation_pb2_grpc.AdaptationStub(grpc.insecure_channel(sys.argv[1]))
session = server.OpenSession(api.OpenSessionRequest(seed=1))
observation = [0.0] * session.model.observation_size  # From your environment.
for _ in range(3):
    request = api.ActRequest(session_id=session.session_id, observation=observation)
    answer = server.Act(request, timeout=1)
    print(api.Outcome.Name(answer.report.outcome), list(answer.action))
server.CloseSession(api.CloseSessionRequest(session_id=session.session_id))
