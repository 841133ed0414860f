"""Mistakes in calling docker/build.sh and docker/make_certificates.sh are named,
and leave nothing behind; the certificates that are made fit one another."""

import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, cwd=None):
    return subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)


def check_mistakes_of_build(folder):
    for arguments, expected in (
        ([], "no target"),
        (["serverr"], "serverr"),
        (["server", "client"], "the targets server and client"),
        (["--engines", "fused", "client"], "--engines is 'fused'"),
        (["--packages", folder, "server"], "holds no .deb files"),
        (["--ca", folder / "missing", "server"], "cannot be read"),
        (["--tool", "kaniko", "server"], "--tool is 'kaniko'"),
    ):
        result = run(ROOT / "docker/build.sh", *arguments)
        assert result.returncode == 2, (arguments, result)
        assert expected in result.stdout, (arguments, result.stdout)


def make_certificates(folder, *arguments):
    return run(ROOT / "docker/make_certificates.sh", *arguments, cwd=folder)


def check_mistakes_of_certificates(folder):
    # openssl itself refuses the last name.
    for name in ("", "my host", "DNS:a,DNS:b", "10.0.0.300"):
        result = make_certificates(folder, "refused", name)
        assert result.returncode != 0, (name, result.stdout)
        assert name in result.stdout, (name, result.stdout)
        assert not (folder / "refused").exists(), name


def check_certificates(folder):
    made = make_certificates(folder, "made", "robot.example", "::1")
    assert made.returncode == 0, made.stdout
    again = make_certificates(folder, "made")
    assert again.returncode == 1 and "exists already" in again.stdout, again
    for name, purpose in (("server", "sslserver"), ("client", "sslclient")):
        result = run("openssl", "verify", "-CAfile", "ca.crt", "-purpose",
                     purpose, f"{name}.crt", cwd=folder / "made")
        assert result.returncode == 0, result.stdout
    text = run("openssl", "x509", "-in", "server.crt", "-noout", "-ext",
               "subjectAltName", cwd=folder / "made").stdout
    assert "DNS:robot.example, IP Address:0:0:0:0:0:0:0:1" in text, text


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_mistakes_of_build(folder)
        check_mistakes_of_certificates(folder)
        check_certificates(folder)
    print("mistakes are named")


if __name__ == "__main__":
    main()
