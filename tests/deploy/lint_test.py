"""lint_test.py TOOL CHECKS: runs shellcheck, hadolint or yamllint on all
tracked files of its kind. CHECKS is the folder .deps/checks."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
# Tool -> the files it reads, the arguments, and a file that it must refuse.
TOOLS = {
    "shellcheck": (
        ["*.sh", ".ci/run"],
        [],
        "#!/bin/sh\nif [ $1 = a ]; then echo $*; fi\n",
    ),
    "hadolint": (["docker/Dockerfile"], [], "FROM debian\nRUN cd /tmp\n"),
    "yamllint": (
        ["*.yaml", "*.yml"],
        ["--strict", "--config-file", ".yamllint"],
        "a: 1\na: 2\n",
    ),
}


def find(tool, checks):
    program = checks / "bin" / tool
    return str(program) if program.exists() else shutil.which(tool)


def run(command, checks):
    return subprocess.run(
        command, env={"PYTHONPATH": str(checks), "PATH": "/usr/bin:/bin"}
    ).returncode


def main():
    tool, checks = sys.argv[1], pathlib.Path(sys.argv[2])
    patterns, arguments, bad = TOOLS[tool]
    program = find(tool, checks)
    if program is None:
        print(f"{tool} is missing: deploy/install_dependencies.sh --checks")
        return SKIPPED
    command = [program]
    if tool == "yamllint":  # Its first line names the Python of the wheel.
        command = ["/usr/bin/python3", program]
    command += arguments
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(bad)
        file.flush()
        if run(command + [file.name], checks) == 0:
            print(f"{tool} finds nothing wrong with: {bad}")
            return 1
    files = subprocess.run(
        ["git", "ls-files", "--", *patterns],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    print(f"{tool}: {len(files)} files")
    return run(command + files, checks)


if __name__ == "__main__":
    sys.exit(main())
