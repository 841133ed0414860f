"""compose_test.py CHECKS: checks that docker's compose files fit the compose
specification's schema, that the files that they name exist, and that HAProxy
accepts the shipped configuration with the variables that they set."""

import json
import os
import pathlib
import subprocess
import sys

from manifests import COMPOSE_FILES, ROOT, compose, missing, project_version

SKIPPED = 77
SCHEMA = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"


def bind_mounts(service):
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            yield ROOT / "docker" / source


def check_service(name, service):
    for file in bind_mounts(service):
        assert file.exists(), f"{name} mounts {file}, which is missing"
    image = service["image"]
    if image.startswith("foresight-"):
        expected = "${FORESIGHT_VERSION:-%s}" % project_version()
        assert image.endswith(":" + expected), f"{name}: {image}"
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name


def check_seeds(services):
    seeds = [
        argument
        for service in services.values()
        for argument in service.get("command", [])
        if argument.startswith("--seed=")
    ]
    assert len(seeds) == len(set(seeds)) > 1, f"clients share seeds: {seeds}"


def check_replicas(services):
    """HAProxy's variables name the servers' addresses."""
    haproxy = services["haproxy"]["environment"]
    for variable, name in (("FORESIGHT_A", "server-a"), ("FORESIGHT_B", "server-b")):
        server = services[name]
        arguments = dict(a[2:].split("=") for a in server["command"] if "=" in a)
        host = server["networks"]["inside"]["ipv4_address"]
        port = arguments["listen"].split(":")[1]
        assert haproxy[variable] == f"{host}:{port}", variable
        metrics_port = arguments["metrics-listen"].split(":")[1]
        assert haproxy[variable + "_METRICS"] == metrics_port, variable
        assert arguments["durability"] == "each", "as haproxy.cfg asks for"
    subprocess.run(
        ["/usr/sbin/haproxy", "-c", "-q", "-f", ROOT / "deploy/haproxy/haproxy.cfg"],
        env={**os.environ, **haproxy}, check=True)


def main():
    checks = pathlib.Path(sys.argv[1])
    if missing(checks, SCHEMA):
        return SKIPPED
    sys.path.insert(0, str(checks))
    import jsonschema

    schema = json.loads((checks / SCHEMA).read_text())
    for file in COMPOSE_FILES:
        content = compose(file)
        jsonschema.validate(content, schema)
        for name, service in content["services"].items():
            check_service(name, service)
        print(f"{file}: {len(content['services'])} services")
    check_seeds(compose("compose.yaml")["services"])
    check_replicas(compose("compose.replicas.yaml")["services"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
