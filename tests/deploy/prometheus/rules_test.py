"""The alert rules: promtool accepts them and their tests pass, each alert is
tested quiet and firing, and each metric is one that the server exports."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import prometheus_programs
import served

HERE = pathlib.Path(__file__).resolve().parent
RULES = served.ROOT / "deploy/prometheus"
# Exported only if the server has a certificate, or keeps sessions.
WITH_OPTIONS = {
    "foresight_certificate_expiry_seconds",
    "foresight_journal_up",
}


def run(*command):
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout


def check_every_alert_is_tested(rules, tests):
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert alerts, "no alert"
    healthy, trouble = tests.split("name: a server in trouble")
    for alert in alerts:
        assert re.search(rf"alertname: {alert}$", healthy, re.M), alert
        firing = re.search(rf"alertname: {alert}\n.*\n +exp_alerts:\n", trouble)
        assert firing, f"no test makes {alert} fire"


def check_metrics_are_exported(rules):
    with served.Server() as server:
        exported = served.sample_names(server.metrics()) | WITH_OPTIONS
    unknown = served.metrics_in(rules) - exported
    assert not unknown, f"the server exports no {sorted(unknown)}"


def main():
    promtool = prometheus_programs.find("promtool")
    if promtool is None:
        print("skipped: no promtool; deploy/install_dependencies.sh --checks")
        return served.SKIPPED
    rules = (RULES / "foresight.rules.yml").read_text()
    tests = HERE / "foresight.rules.test.yml"
    run(promtool, "check", "config", RULES / "prometheus.yml")
    run(promtool, "test", "rules", tests)
    check_every_alert_is_tested(rules, tests.read_text())
    check_metrics_are_exported(rules)
    print("the alerts are tested")
    return 0


if __name__ == "__main__":
    sys.exit(main())
