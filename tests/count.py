"""Prints the tests that were skipped, then `N passed, N failed, N skipped`."""

import sys
import xml.etree.ElementTree as ElementTree


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        if case.find("failure") is not None:
            result = "failed"
        elif case.find("skipped") is not None:
            result = "skipped"
        else:
            result = "passed"
        if case.get("status") == "fail":
            result = "failed"
        counts[result] += 1
        if result != "passed":
            print(f"{result}: {case.get('name')}")
    print(
        f"{counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped"
    )
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
