"""tidy.py [BASE]: runs clang-tidy on the lines that changed since BASE.

BASE is a commit. The default is the commit at which this branch left main or, on
main, the previous commit. Uncommitted changes count, too. The script reads
build/release/compile_commands.json, so build the release preset first. A header
is checked through the source of the same name or, without one, through its test.

Exits with 1 if there is a finding.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
PUBLIC = "client/include/foresight/"  # Headers apart from their sources.


def git(*arguments):
    run = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return run.stdout.strip() if run.returncode == 0 else ""


def default_base():
    head = git("rev-parse", "HEAD")
    for main in ("main", "origin/main"):
        base = git("merge-base", "HEAD", main)
        if base and base != head:
            return base
    return "HEAD~1"


def changed_lines(diff):
    """File -> [first, last] of each run of added or changed lines."""
    lines, name = {}, None
    for line in diff.splitlines():
        if line.startswith("+++ "):
            name = line[6:] if line.startswith("+++ b/") else None
        hunk = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
        if hunk and name:
            first, count = int(hunk[1]), int(hunk[2] or 1)
            if count > 0:
                lines.setdefault(name, []).append([first, first + count - 1])
    return lines


def source_of(header, sources):
    """The compiled file that checks `header`; None if there is none."""
    stem = header.replace(PUBLIC, "client/")[: -len(".h")]
    for candidate in (f"{stem}.cc", f"tests/{stem}_test.cc"):
        if candidate in sources:
            return candidate
    return None


def check(source, line_filter):
    # The analyzer takes longer than all the rest; the sanitizers find as much.
    run = subprocess.run(
        ["clang-tidy", "-p", BUILD, "--quiet", "--warnings-as-errors=*",
         "--checks=-clang-analyzer-*",
         f"--line-filter={json.dumps(line_filter)}", source],
        cwd=ROOT, capture_output=True, text=True)
    return run.returncode, run.stdout + ("" if run.returncode == 0 else run.stderr)


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else default_base()
    if not git("rev-parse", "--verify", f"{base}^{{commit}}"):
        print(f"there is no commit {base}; name the one to compare with")
        return 1
    lines = changed_lines(
        git("diff", "--unified=0", base, "--", "*.cc", "*.h"))
    database = json.loads((BUILD / "compile_commands.json").read_text())
    compiled = {
        os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        for entry in database
    }
    sources = sorted({
        name if name.endswith(".cc") else source_of(name, compiled)
        for name in lines
    } & compiled)
    line_filter = [{"name": name, "lines": lines[name]} for name in lines]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check, source, line_filter) for source in sources]
        for source, job in zip(sources, jobs):
            code, output = job.result()
            if code != 0:
                failed += 1
                print(output.strip(), flush=True)
    print(f"clang-tidy: {len(sources)} files checked since {base[:10]}, "
          f"{failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
