"""docs/operations.md describes every metric that the server exports, every alert
and every event of the log. The log is JSON if asked for."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import served

PAGE = served.ROOT / "docs/operations.md"
# These have no sample unless the server has certificates or keeps sessions.
WITH_OPTIONS = {"foresight_certificate_expiry_seconds", "foresight_journal_up"}
RULES = served.ROOT / "deploy/prometheus/foresight.rules.yml"


def documented(page):
    """{name: (type, labels)} of the rows "| `name` | type | labels | ..."."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", page, re.M)
    return {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in rows
        if not name.startswith("Foresight")
    }


def events_in_code():
    call = re.compile(
        r"\b(?:LogInfo|LogWarning|LogError|SessionEvent|Failure|log)"
        r'\(\s*"([a-z][^"]*)"')
    sources = (served.ROOT / "server").rglob("*.cc")
    return {event for path in sources for event in call.findall(path.read_text())}


def main():
    page = PAGE.read_text()
    with served.Server() as server:
        exported = served.families(server.metrics())
    said = documented(page)
    differences = [
        f"{name}: documented {said.get(name)}, exported {exported.get(name)}"
        for name in sorted((said.keys() | exported.keys()) - WITH_OPTIONS)
        if said.get(name) != exported.get(name)
    ]
    for alert in re.findall(r"- alert: (\w+)", RULES.read_text()):
        if f"`{alert}`" not in page:
            differences.append(f"{alert}: not documented")
    events = [event["event"] for event in server.events]
    for event in ("serving metrics", "model loaded", "listening",
                  "shutting down", "draining", "ended"):
        if event not in events:
            differences.append(f"no event '{event}' in the log: {events}")
    for event in sorted(events_in_code() | set(events)):
        if f"`{event}`" not in page:
            differences.append(f"event '{event}': not documented")
    print("\n".join(differences) or f"{len(exported)} metrics are documented")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
