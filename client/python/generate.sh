#!/usr/bin/env bash
# Generates foresight/v1 from proto/adaptation.proto with Debian's protoc, whose
# code imports under protobuf 4, 5 and 6; newer generators' code does not. Run
# it after a change of the contract and commit what it writes.
#
# usage: client/python/generate.sh [FOLDER]    (default: client/python)
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
out="${1:-$root/client/python}"
# The import path makes the modules foresight.v1.*: a top-level package named
# proto would collide with proto-plus.
protoc -I "foresight/v1=$root/proto" -I /usr/include \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" \
  foresight/v1/adaptation.proto
