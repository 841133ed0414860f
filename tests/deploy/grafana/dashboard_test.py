"""The committed dashboard is the one that its code makes, and each of its
queries is about metrics that the server exports."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import served

FOLDER = served.ROOT / "deploy/grafana"
SDK = pathlib.Path(os.environ["FORESIGHT_DEPS"]) / "grafana"


def check_it_is_the_codes():
    sys.path[:0] = [str(SDK), str(FOLDER)]
    import dashboard

    made = dashboard.JSONEncoder(sort_keys=True, indent=2).encode(
        dashboard.build())
    committed = (FOLDER / "foresight.json").read_text()
    assert made + "\n" == committed, (
        "deploy/grafana/foresight.json is not what dashboard.py prints")


def check_metrics_are_exported():
    panels = json.loads((FOLDER / "foresight.json").read_text())["panels"]
    queries = [t["expr"] for p in panels for t in p.get("targets", [])]
    assert len(queries) > 20, queries
    with served.Server() as server:
        exported = served.sample_names(server.metrics())
    for query in queries:
        used = served.metrics_in(query)
        assert used and used <= exported, (query, sorted(used - exported))


def main():
    if not SDK.exists():
        print("skipped: no grafana-foundation-sdk; "
              "deploy/install_dependencies.sh --checks")
        return served.SKIPPED
    check_it_is_the_codes()
    check_metrics_are_exported()
    print("the dashboard is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
