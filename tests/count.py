"""Prints what failed or was skipped, then `N passed, N failed, N skipped`.

Reads CTest's JUnit files, build/<preset>/Testing/results.xml. Each --broken
names a failed step that writes no such file.
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def result_of(case):
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--broken", action="append", default=[])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()

    counts = {"passed": 0, "failed": len(arguments.broken), "skipped": 0}
    for name in arguments.broken:
        print(f"failed: {name}")
    for file in arguments.files:
        preset = file.resolve().parent.parent.name
        for case in ElementTree.parse(file).getroot().iter("testcase"):
            result = result_of(case)
            counts[result] += 1
            if result != "passed":
                print(f"{result}: {preset}: {case.get('name')}")
    print(
        f"{counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped"
    )
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
