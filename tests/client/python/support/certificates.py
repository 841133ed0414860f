"""Certificates for a test, made with openssl."""

import subprocess


def openssl(*arguments):
    subprocess.run(
        ["openssl", *map(str, arguments)], check=True, stderr=subprocess.DEVNULL
    )


def make_authority(folder, name):
    """`name`.pem and `name`.key in `folder`, which sign other certificates."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
        *("-keyout", key, "-out", certificate),
    )
    return certificate


def make_certificate(folder, name, authority):
    """The certificate and key of `name`, which may be a server on 127.0.0.1."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    request, names = folder / f"{name}.csr", folder / f"{name}.ext"
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request),
    )
    openssl(
        *("x509", "-req", "-in", request, "-days", "2", "-extfile", names),
        *("-CA", authority, "-CAkey", authority.with_suffix(".key")),
        *("-CAcreateserial", "-out", certificate),
    )
    return certificate, key
