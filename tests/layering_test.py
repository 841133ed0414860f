"""Enforces the layers of docs/architecture.md: what may include what.

Each rule names a folder and the folders of this project that its files may
include; the longest matching folder decides. TORCH and GRPC say who may see
those libraries at all.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

MODELS = ["models/bundle", "support"]
# folder -> folders it may include, besides itself and proto/.
RULES = {
    "support": [],
    "models/bundle": ["support"],
    "models/networks": MODELS,
    "models/data": MODELS,
    "models/training": MODELS + ["models/networks", "models/data"],
    "server": MODELS + ["server"],
    "server/support": ["support"],
    "server/metrics": MODELS + ["server/support"],
    "server/adaptation": MODELS + ["server/support"],
    "server/adaptation/autograd": MODELS
    + ["models/networks", "server/adaptation", "server/support"],
    "server/adaptation/fused": MODELS + ["server/adaptation", "server/support"],
    "server/sessions": MODELS + ["server/support"],
    "server/scheduling": MODELS + ["server/support"],
    "server/durability": MODELS + ["server/support"],
    "server/registry": MODELS + ["server/adaptation", "server/support"],
    "server/decisions": MODELS
    + [
        "server/adaptation/engine.h",
        "server/durability",
        "server/metrics",
        "server/registry",
        "server/scheduling",
        "server/sessions",
        "server/support",
    ],
    "server/security": MODELS + ["server/support"],
    "server/service": MODELS
    + ["server/decisions", "server/metrics", "server/registry", "server/support"],
    "client": ["support", "client"],
    "benchmarks": MODELS
    + ["server/adaptation", "server/scheduling", "server/support"],
    "tests": ["tests", "support", "models", "server", "client"],
}
TORCH = [
    "models/networks",
    "models/training",
    "server/adaptation/autograd",
    "tests/models/networks",
    "tests/models/training",
    "tests/server/adaptation",
    "tests/support",
]
GRPC = [
    "server/security/security.h",
    "server/security/security.cc",
    "server/security/server_credentials.h",
    "server/security/server_credentials.cc",
    "server/service",
    "server/server.cc",
    "client",
    "tests",
]

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
OURS = ("support/", "models/", "server/", "client/", "benchmarks/", "tests/")
# The prefix of the client's public headers, which are in client/include.
PUBLIC = "foresight/"


def below(path, folder):
    return path == folder or path.startswith(folder + "/")


def violations(path, text):
    """Messages for the file `path` (from the root) holding `text`."""
    rules = [folder for folder in RULES if below(path, folder)]
    if not rules:
        yield f"{path}: no rule covers this folder"
        return
    folder = max(rules, key=len)
    for include in INCLUDE.findall(text):
        if include.startswith(PUBLIC):
            include = "client/include/" + include
        elif path.startswith("client/include/") and include.startswith(
            OURS + ("proto/", "google/", "grpc")
        ):
            yield f"{path}: a public header may not include {include}"
        if include.startswith(OURS):
            allowed = RULES[folder] + [folder]
            if not any(below(include, other) for other in allowed):
                yield f"{path}: {folder} may not include {include}"
        if include.startswith(("torch/", "ATen/", "c10/")):
            if not any(below(path, other) for other in TORCH):
                yield f"{path}: LibTorch is not for this folder ({include})"
        if include.startswith(("grpc/", "grpcpp/")) or include.endswith(
            ".grpc.pb.h"
        ):
            if not any(below(path, other) for other in GRPC):
                yield f"{path}: gRPC is not for this folder ({include})"


def check_the_check():
    """The rules catch what they are there for."""
    bad = {
        "client/x.cc": '#include "models/bundle/bundle.h"',
        "support/x.h": '#include "server/options.h"',
        "server/sessions/x.h": '#include "server/scheduling/queue.h"',
        "server/adaptation/fused/x.cc": "#include <ATen/ATen.h>",
        "server/scheduling/x.cc": "#include <grpcpp/grpcpp.h>",
        "server/decisions/x.cc": "#include <grpcpp/alarm.h>",
        "server/security/x.cc": "#include <grpc/grpc_security.h>",
        "server/service/x.cc": '#include "server/scheduling/scheduler.h"',
        "models/bundle/x.cc": '#include "tests/support/x.h"',
        "benchmarks/x.cc": '#include "tests/support/x.h"',
        "benchmarks/y.cc": "#include <ATen/Parallel.h>",
        "models/x.cc": "",
        "models/bundle/y.cc": '#include "foresight/remote_session.h"',
        "client/include/foresight/x.h": '#include "client/connection.h"',
        "client/include/foresight/y.h": "#include <grpcpp/channel.h>",
    }
    for path, text in bad.items():
        assert list(violations(path, text)), f"missed: {path} {text}"
    good = '#include "models/bundle/bundle.h"\n#include <ATen/ATen.h>'
    assert not list(violations("models/networks/x.cc", good))


def main():
    check_the_check()
    count, found = 0, []
    for top in OURS:
        for file in sorted((ROOT / top).rglob("*")):
            if file.suffix in (".h", ".cc"):
                count += 1
                path = file.relative_to(ROOT).as_posix()
                found += violations(path, file.read_text())
    print("\n".join(found) or f"{count} files keep the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
