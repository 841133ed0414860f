"""Shared by the tests of docker/ and deploy/kubernetes."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KUBERNETES = ROOT / "deploy/kubernetes"


def project_version():
    """The version in CMakeLists.txt, where it is set."""
    text = (ROOT / "CMakeLists.txt").read_text()
    return re.search(r"^project\(foresight VERSION ([0-9.]+)", text, re.M)[1]


COMPOSE_FILES = ("compose.yaml", "compose.replicas.yaml")


def compose(file):
    import yaml

    return yaml.safe_load((ROOT / "docker" / file).read_text())


def render(checks, folder):
    """The objects that kustomize makes of a folder of deploy/kubernetes."""
    import yaml

    text = subprocess.run(
        [checks / "bin/kubectl", "kustomize", KUBERNETES / folder],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [thing for thing in yaml.safe_load_all(text) if thing]


def pod_templates(objects):
    """(name, template) of each object that makes pods."""
    for thing in objects:
        if thing["kind"] in ("StatefulSet", "Deployment", "Job"):
            yield thing["metadata"]["name"], thing["spec"]["template"]


def missing(checks, *needed):
    """Whether a file of .deps/checks is missing; says which."""
    for name in needed:
        if not (checks / name).exists():
            print(f"{name} is missing: deploy/install_dependencies.sh --checks")
            return True
    return False
