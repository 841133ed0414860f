"""A client in another language: generated from the .proto, run as a user would,
against the real server; and what only such a client can look at, reflection and
the raw details of an error."""

import contextlib
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SERVER = pathlib.Path(os.environ["FORESIGHT_BUILD_DIR"]) / "bin/foresight-server"
MODEL = ROOT / "models/pretrained/halfcheetah-medium-replay"
PATIENCE_S = 30


def generate(folder):
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", ROOT,
         f"--python_out={folder}", f"--grpc_python_out={folder}",
         "proto/adaptation.proto"],
        check=True,
    )


def address_in(path):
    give_up = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < give_up, "the server does not serve"
        time.sleep(0.01)
    return path.read_text().strip()


def make_credentials(folder):
    """A CA, a server's certificate, and a token with its file for the server."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=Test CA")
    openssl("req", "-x509", *key, "-keyout", "server.key", "-out", "server.pem",
            "-days", "2", "-subj", "/CN=server", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE")
    token = "a-token-of-this-test"
    (folder / "token").write_text(token + "\n")
    digest = hashlib.sha256(token.encode()).hexdigest()
    (folder / "tokens").write_text(f"python act {digest}\n")


@contextlib.contextmanager
def serving(folder, *options):
    """The address of a server with `options`."""
    port_file = folder / "port"
    server = subprocess.Popen(
        [SERVER, "--model", MODEL, "--listen", "127.0.0.1:0",
         "--metrics-listen", "off", "--port-file", port_file, *options])
    try:
        yield address_in(port_file)
    finally:
        server.terminate()
        assert server.wait(PATIENCE_S) == 0


def check_script(folder, address, *credentials):
    environment = dict(os.environ)
    environment["PYTHONPATH"] = f"{folder}:{environment['PYTHONPATH']}"
    script = ROOT / "tests/integration/python_client.py"
    lines = subprocess.run(
        [sys.executable, script, address, *credentials], env=environment,
        check=True,
        stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S,
    ).stdout.splitlines()
    assert len(lines) == 3, lines
    for line in lines:
        outcome, action = line.split(" ", 1)
        values = [float(value) for value in action.strip("[]").split(",")]
        assert outcome == "ADAPTED", line
        assert len(values) == 6 and all(abs(v) <= 1 for v in values), line


def check_reflection(channel):
    """The services that reflection lists, from its messages' raw bytes."""
    list_services = b"\x3a\x01*"  # Field 7, a string.
    method = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    answer = b"".join(method(iter([list_services]), timeout=PATIENCE_S))
    for service in (b"foresight.v1.Adaptation", b"grpc.health.v1.Health"):
        assert service in answer, answer


def check_page():
    """docs/api.md shows the script that runs here."""
    script = (ROOT / "tests/integration/python_client.py").read_text()
    shown = script.split('"""')[2].strip()
    assert shown in (ROOT / "docs/api.md").read_text(), "docs/api.md differs"


def check_error_details(channel):
    method = channel.unary_unary("/foresight.v1.Adaptation/CloseSession")
    try:
        method(b"", timeout=PATIENCE_S)
        raise AssertionError("no error")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        assert b"SESSION_UNKNOWN" in details, details
        assert b"foresight" in details, details


def main():
    check_page()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        generate(folder)
        with serving(folder) as address:
            check_script(folder, address)
            with grpc.insecure_channel(address) as channel:
                check_reflection(channel)
                check_error_details(channel)
        make_credentials(folder)
        with serving(folder, "--tls-cert", folder / "server.pem", "--tls-key",
                     folder / "server.key", "--tokens",
                     folder / "tokens") as address:
            check_script(folder, address, folder / "ca.pem", folder / "token")
    print("a Python client decides")


if __name__ == "__main__":
    main()
