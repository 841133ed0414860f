"""Writes the bill of materials of an image's root, as SPDX 2.3 JSON.

It lists the Debian packages of var/lib/dpkg/status.d and the PyPI wheels whose
notices foresight's packages hold in usr/share/doc/foresight/wheels.
"""

import argparse
import datetime
import email.parser
import hashlib
import json
import os
import pathlib
import re

WHERE = "usr/share/doc/foresight/sbom.spdx.json"
UNKNOWN = "NOASSERTION"


def spdx_id(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package(kind, name, version, supplier, licence, purl):
    return {
        "SPDXID": spdx_id(kind, name),
        "name": name,
        "versionInfo": version,
        "supplier": supplier or UNKNOWN,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": licence or UNKNOWN,
        "copyrightText": UNKNOWN,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
    }


def fields_of(file):
    """The header fields of a dpkg status file or a wheel's METADATA."""
    return email.parser.Parser().parsestr(file.read_text(), headersonly=True)


def debian_package(fields):
    name, version = fields["Package"], fields["Version"]
    maintainer = fields["Maintainer"] or ""
    purl = f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}"
    licence = None
    if name.startswith("foresight-"):
        purl = f"pkg:generic/{name}@{version}"
        # The libraries in foresight-torch are listed as wheels.
        licence = None if name.startswith("foresight-torch") else "MIT"
    supplier = f"Organization: {maintainer}" if maintainer else None
    return package("deb", name, version, supplier, licence, purl)


def wheel(fields):
    name, version = fields["Name"], fields["Version"]
    normal = re.sub(r"[-_.]+", "-", name).lower()
    # Only License-Expression holds an SPDX expression; License may be any text.
    licence = fields["License-Expression"]
    return package(
        "wheel", name, version, None, licence, f"pkg:pypi/{normal}@{version}"
    )


def licences_outside_spdx(packages):
    """The entries that SPDX requires for licences it has no name for."""
    expressions = " ".join(p["licenseDeclared"] for p in packages)
    return [
        {
            "licenseId": licence,
            "name": licence.removeprefix("LicenseRef-"),
            "extractedText": "In usr/share/doc/foresight/wheels.",
        }
        for licence in sorted(set(re.findall(r"LicenseRef-[\w.-]+", expressions)))
    ]


def bill(root, name, created):
    status = sorted((root / "var/lib/dpkg/status.d").iterdir())
    notices = root / "usr/share/doc/foresight/wheels"
    packages = [debian_package(fields_of(file)) for file in status]
    packages += [
        wheel(fields_of(file))
        for file in sorted(notices.glob("*.dist-info/METADATA"))
    ]
    listed = json.dumps(packages, sort_keys=True).encode()
    digest = hashlib.sha256(listed).hexdigest()
    (version,) = (p["versionInfo"] for p in packages if p["name"] == name)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "documentNamespace": f"urn:foresight:sbom:{name}-{version}-{digest}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: foresight-sbom-{version}"],
        },
        "packages": packages,
        "hasExtractedLicensingInfos": licences_outside_spdx(packages),
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": spdx_id("deb", name),
            }
        ]
        + [
            {
                "spdxElementId": spdx_id("deb", name),
                "relationshipType": "DEPENDS_ON",
                "relatedSpdxElement": other["SPDXID"],
            }
            for other in packages
            if other["name"] != name
        ],
    }


def creation_time():
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.now(datetime.timezone.utc)
    if seconds is None:
        return now
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--name", required=True, help="the package described")
    arguments = parser.parse_args()
    text = json.dumps(
        bill(arguments.root, arguments.name, creation_time()), indent=1
    )
    file = arguments.root / WHERE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


if __name__ == "__main__":
    main()
