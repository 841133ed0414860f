"""A real Prometheus scrapes a server under load: each query of the dashboard
returns data, and the alert rules are evaluated."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import prometheus_programs
import served

DEPLOY = served.ROOT / "deploy"


def write_config(folder, metrics_address):
    """Writes the shipped configuration for this server, with short intervals."""
    config = (DEPLOY / "prometheus/prometheus.yml").read_text()
    for old, new in (("15s", "1s"), ("127.0.0.1:9464", metrics_address)):
        assert old in config, old
        config = config.replace(old, new)
    (folder / "prometheus.yml").write_text(config)
    rules = (DEPLOY / "prometheus/foresight.rules.yml").read_text()
    (folder / "foresight.rules.yml").write_text(rules)


class Prometheus:
    """Runs from __enter__ to __exit__."""

    def __init__(self, program, folder):
        self.command = [
            program, f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:0"]
        self.log = ""

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        said = re.compile(r'"Listening on" address=(\S+)')
        self.address = served.wait_for(
            lambda: said.search(self.log), "Prometheus listens").group(1)
        served.wait_for(self._is_ready, "Prometheus is ready")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(served.PATIENCE_S)
        self.reader.join()

    def _read(self):
        for line in self.process.stderr:
            self.log += line

    def _is_ready(self):
        try:
            return served.get(f"http://{self.address}/-/ready")
        except urllib.error.HTTPError:  # 503 while it starts.
            return None

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        answer = served.get(f"http://{self.address}/api/v1/{path}?{query}")
        return json.loads(answer)["data"]

    def values(self, expression):
        """The values that an instant query returns, without NaN."""
        result = self.get("query", query=expression)["result"]
        values = [float(sample["value"][1]) for sample in result]
        return [value for value in values if value == value]


def dashboard_queries():
    board = json.loads((DEPLOY / "grafana/foresight.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"].replace("$__rate_interval", "30s")
            yield panel["title"], query.replace("$instance", ".*")


def ask_for_gains(folder, address):
    """Asks for decisions that report the objective after their steps."""
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", served.ROOT,
         f"--python_out={folder}", f"--grpc_python_out={folder}",
         "proto/adaptation.proto"], check=True)
    sys.path.insert(0, str(folder))
    import grpc
    from proto import adaptation_pb2 as api
    from proto import adaptation_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        server = adaptation_pb2_grpc.AdaptationStub(channel)
        session = server.OpenSession(api.OpenSessionRequest(seed=1))
        request = api.ActRequest(
            session_id=session.session_id, report_objective_after=True,
            observation=[0.0] * session.model.observation_size)
        for _ in range(5):
            server.Act(request, timeout=served.PATIENCE_S)


def check(prometheus, address, folder):
    served.wait_for(
        lambda: prometheus.values('up{job="foresight"}') == [1.0], "a scrape")
    load = subprocess.Popen(
        [served.BIN / "foresight-load", "--server", address, "--sessions", "8",
         "--rate", "20", "--deadline", "50ms", "--duration", "60s", "--quiet"],
        stdout=subprocess.DEVNULL)
    try:
        ask_for_gains(folder, address)
        queries = list(dashboard_queries())
        assert len(queries) > 20, queries
        for title, query in queries:
            served.wait_for(
                lambda: prometheus.values(query), f"data for {title}: {query}")
    finally:
        load.terminate()
        load.wait(served.PATIENCE_S)
    groups = prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules and all(rule["health"] == "ok" for rule in rules), rules
    return len(queries), len(rules)


def main():
    program = prometheus_programs.find("prometheus")
    if program is None:
        print("skipped: no prometheus; deploy/install_dependencies.sh --checks")
        return served.SKIPPED
    with tempfile.TemporaryDirectory() as name, served.Server() as server:
        folder = pathlib.Path(name)
        write_config(folder, server.metrics_address)
        with Prometheus(program, folder) as prometheus:
            counts = check(prometheus, server.address, folder)
    print("{} queries have data, {} alert rules are evaluated".format(*counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
