"""Makes a bill of materials for a small root and checks it against what SPDX
2.3 asks for."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STATUS = """Package: {name}
Status: install ok installed
Maintainer: Somebody <somebody@example.org>
Architecture: amd64
Version: {version}
Description: first line
 Version: 9.9 is not a field, but a line of the description
"""


def make_root(root):
    status = root / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    for name, version in {
        "foresight-server": "1.2.3",
        "libstdc++6": "12.2.0-14",
    }.items():
        (status / name).write_text(STATUS.format(name=name, version=version))
    wheel = root / "usr/share/doc/foresight/wheels/torch-2.dist-info"
    wheel.mkdir(parents=True)
    (wheel / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Some_Wheel\nVersion: 2.0\n"
        "License-Expression: MIT AND LicenseRef-Own\n\nLong text\nName: not this\n"
    )


def check(bill):
    assert bill["spdxVersion"] == "SPDX-2.3"
    assert bill["dataLicense"] == "CC0-1.0"
    assert bill["creationInfo"]["created"] == "1970-01-01T00:00:01Z"
    assert re.match(r"[a-z]+:\S+$", bill["documentNamespace"])
    packages = {package["name"]: package for package in bill["packages"]}
    assert packages["libstdc++6"]["versionInfo"] == "12.2.0-14"
    assert (
        packages["Some_Wheel"]["licenseDeclared"] == "MIT AND LicenseRef-Own"
    )
    (own,) = bill["hasExtractedLicensingInfos"]
    assert own["licenseId"] == "LicenseRef-Own"
    assert (
        packages["Some_Wheel"]["externalRefs"][0]["referenceLocator"]
        == "pkg:pypi/some-wheel@2.0"
    )
    known = {package["SPDXID"] for package in bill["packages"]}
    assert len(known) == 3
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in known)
    related = {r["relatedSpdxElement"] for r in bill["relationships"]}
    assert related == known, "every package is related to the document"


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        make_root(root)
        subprocess.run(
            [sys.executable, ROOT / "docker/sbom.py", "--root", root]
            + ["--name", "foresight-server"],
            check=True,
            env={"SOURCE_DATE_EPOCH": "1"},
        )
        file = root / "usr/share/doc/foresight/sbom.spdx.json"
        check(json.loads(file.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
