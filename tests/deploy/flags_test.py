"""flags_test.py CHECKS PROGRAMS: the programs of this build know every flag that the
compose files and the manifests give them."""

import pathlib
import re
import subprocess
import sys

from manifests import COMPOSE_FILES, compose, missing, pod_templates, render

SKIPPED = 77
# The default program of each image.
ENTRYPOINTS = {
    "foresight-server": "foresight-server",
    "foresight-server-cuda": "foresight-server",
    "foresight-client": "foresight-run",
}


def known_flags(program):
    text = subprocess.run(
        [program, "--help"], check=True, capture_output=True, text=True
    ).stdout
    return set(re.findall(r"--[a-z][a-z0-9-]*", text))


def commands(checks):
    """(where, program, arguments) of each container."""
    for file in COMPOSE_FILES:
        for name, service in compose(file)["services"].items():
            image = service["image"].split(":")[0]
            if image in ENTRYPOINTS:
                entrypoint = service.get("entrypoint", [ENTRYPOINTS[image]])
                yield f"{file}, {name}", entrypoint[0], service["command"]
    for folder in ("overlays/cpu", "overlays/gpu", "overlays/replicas", "farm"):
        for name, template in pod_templates(render(checks, folder)):
            for container in template["spec"]["containers"]:
                image = container["image"].split(":")[0]
                if image not in ENTRYPOINTS:
                    continue
                command = container.get("command", [ENTRYPOINTS[image]])
                yield f"{folder}, {name}", command[0], container["args"]


def main():
    checks, programs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if missing(checks, "bin/kubectl", "yaml"):
        return SKIPPED
    sys.path.insert(0, str(checks))
    count = 0
    for where, program, arguments in commands(checks):
        known = known_flags(programs / pathlib.Path(program).name)
        flags = {a.split("=")[0] for a in arguments if a.startswith("--")}
        unknown = flags - known
        assert not unknown, f"{where}: {program} does not know {unknown}"
        count += len(flags)
    assert count > 0
    print(f"{count} flags")
    return 0


if __name__ == "__main__":
    sys.exit(main())
