"""compose_test.py CHECKS: checks docker/compose.yaml against the compose
specification's schema, and that the files that it names exist."""

import json
import pathlib
import sys

from manifests import ROOT, compose_services, missing, project_version

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


def main():
    checks = pathlib.Path(sys.argv[1])
    if missing(checks, SCHEMA):
        return SKIPPED
    sys.path.insert(0, str(checks))
    import jsonschema
    import yaml

    schema = json.loads((checks / SCHEMA).read_text())
    text = (ROOT / "docker/compose.yaml").read_text()
    jsonschema.validate(yaml.safe_load(text), schema)
    services = compose_services()
    for name, service in services.items():
        check_service(name, service)
    seeds = [
        argument
        for service in services.values()
        for argument in service.get("command", [])
        if argument.startswith("--seed=")
    ]
    assert len(seeds) == len(set(seeds)) > 1, f"clients share seeds: {seeds}"
    print(f"{len(services)} services")
    return 0


if __name__ == "__main__":
    sys.exit(main())
