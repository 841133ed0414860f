"""Peers that misuse the protocol, over raw sockets, while a control loop runs:
half handshakes, silence, headers a byte at a time, 2000 connections, streams
that are reset as soon as they are opened, giant and wrong headers, garbage. The
loop gets every answer, and the server ends as it should.

One header aborts a server that has tokens (SECURITY.md, gRPC 1.51.1), but not
one without them."""

import os
import pathlib
import resource
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import python_client_test as served  # noqa: E402

PATIENCE_S = 60
CONNECTIONS = 2000
RESETS = 20000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">HBBBI", 0, 0, 4, 0, 0)
HEADERS, RESET, CONTINUATION = 1, 3, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload):
    length = struct.pack(">I", len(payload))[1:]
    return length + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(text):
    """HPACK: a string that is not Huffman coded."""
    data = text.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, length = len(data) - 127, b"\x7f"
    while rest >= 128:
        length += bytes([rest % 128 | 128])
        rest //= 128
    return length + bytes([rest]) + data


def headers(more=(), replaced=()):
    """A request for a method that every caller may call."""
    fields = {":method": "POST", ":scheme": "https", ":authority": "x",
              ":path": "/grpc.health.v1.Health/Check", "te": "trailers",
              "content-type": "application/grpc", **dict(replaced)}
    return b"".join(b"\x00" + literal(name) + literal(value)
                    for name, value in [*fields.items(), *more])


class Target:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        self.tls.set_alpn_protocols(["h2"])

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def connect_tls(self):
        return self.tls.wrap_socket(self.connect())


def ended_by_peer(connection):
    """Whether the peer ends the connection within PATIENCE_S."""
    try:
        while connection.recv(1 << 16):
            pass
    except (ConnectionError, ssl.SSLError):
        pass
    except TimeoutError:
        return False
    return True


def send_all(connection, data):
    """False if the peer has ended the connection."""
    try:
        connection.sendall(data)
        return True
    except (ConnectionError, ssl.SSLError):
        return False


def half_handshakes(target):
    """A client hello that is cut off, or nothing at all; then silence."""
    silent = [target.connect() for _ in range(20)]
    for connection in silent[:10]:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half")
    assert all(ended_by_peer(connection) for connection in silent)
    # Completes TLS, but sends no HTTP/2.
    assert ended_by_peer(target.connect_tls())


def garbage(target):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4096, os.urandom(4096)):
        with target.connect() as plain, target.connect_tls() as tls:
            send_all(plain, data)
            send_all(tls, data)
            assert ended_by_peer(plain)
            assert ended_by_peer(tls)


def slow_headers(target):
    """Requests whose headers never end, on 50 connections."""
    slow = [target.connect_tls() for _ in range(50)]
    request = frame(HEADERS, END_HEADERS, 1, headers())
    for connection in slow:
        connection.sendall(PREFACE)
    for byte in request[:-1]:
        for connection in slow:
            send_all(connection, bytes([byte]))
    for connection in slow:
        connection.close()


def many_connections(target):
    connections = []
    try:
        for _ in range(CONNECTIONS):
            connections.append(target.connect())
    finally:
        for connection in connections:
            connection.close()
    assert len(connections) == CONNECTIONS


def rapid_resets(target):
    with target.connect_tls() as connection:
        connection.sendall(PREFACE)
        cancel = struct.pack(">I", 8)
        for stream in range(1, 2 * RESETS, 2):
            if not send_all(connection,
                            frame(HEADERS, END_HEADERS, stream, headers())
                            + frame(RESET, 0, stream, cancel)):
                return  # The server closed the connection.


def giant_headers(target):
    # One value of 1 MiB in frames of 16 KiB; then many small values.
    for fields in ([("x", "v" * (1 << 20))],
                   [(f"x{i}", "v" * 100) for i in range(10000)]):
        with target.connect_tls() as connection:
            connection.sendall(PREFACE)
            block = headers(fields)
            sent = send_all(connection, frame(HEADERS, END_STREAM, 1,
                                              block[:16384]))
            for begin in range(16384, len(block), 16384):
                last = END_HEADERS if begin + 16384 >= len(block) else 0
                sent = sent and send_all(
                    connection, frame(CONTINUATION, last, 1,
                                      block[begin:begin + 16384]))


def wrong_headers(target):
    """Sends the headers of CVE-2023-1428 and of CVE-2023-32732, alone and with
    9 KB of other headers."""
    for wrong in (("te", "x"), (":scheme", "x"), ("x-bin", "!!!!")):
        for more in ([], [("x", "v" * 9000)]):
            with target.connect_tls() as connection:
                request = headers(more, [wrong])
                send_all(connection, PREFACE + frame(
                    HEADERS, END_HEADERS | END_STREAM, 1, request))
                try:
                    connection.recv(1 << 16)
                except (ConnectionError, ssl.SSLError):
                    pass  # The server closed the connection.


def gets_an_answer(address, fields=()):
    """Whether a request in plain text, with `fields` as headers, is answered."""
    received = b""
    with Target(address).connect() as connection:
        connection.sendall(PREFACE + frame(
            HEADERS, END_HEADERS | END_STREAM, 1, headers(fields)))
        try:
            while b"grpc-status" not in received:
                more = connection.recv(1 << 16)
                if not more:
                    return False
                received += more
        except ConnectionError:
            return False
    return True


def check_a_header_of_grpcs_own(folder):
    with served.serving(folder) as address:
        gets_an_answer(address, [("grpclb_client_stats", "x")])
        assert gets_an_answer(address)


class ControlLoop(threading.Thread):
    """Decides at 20 Hz until it is stopped; any error ends it."""

    def __init__(self, folder, address):
        super().__init__()
        sys.path.insert(0, str(folder))
        from proto import adaptation_pb2, adaptation_pb2_grpc
        self.api = adaptation_pb2
        token = (folder / "token").read_text().strip()
        self.metadata = (("authorization", f"Bearer {token}"),)
        credentials = grpc.ssl_channel_credentials(
            (folder / "ca.pem").read_bytes())
        self.stub = adaptation_pb2_grpc.AdaptationStub(
            grpc.secure_channel(address, credentials))
        self.stopping = threading.Event()
        self.decisions = 0
        self.slowest_s = 0
        self.error = None

    def run(self):
        try:
            session = self.stub.OpenSession(
                self.api.OpenSessionRequest(), metadata=self.metadata)
            observation = [0.0] * session.model.observation_size
            while not self.stopping.wait(0.05):
                begin = time.monotonic()
                self.stub.Act(
                    self.api.ActRequest(session_id=session.session_id,
                                        decision_index=self.decisions,
                                        observation=observation),
                    metadata=self.metadata, timeout=PATIENCE_S)
                self.decisions += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        except grpc.RpcError as error:
            self.error = error


def allow_many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CONNECTIONS + 500:
        print(f"only {hard} files may be open")
        sys.exit(77)
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 200, hard))


def main():
    allow_many_files()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        served.generate(folder)
        served.make_credentials(folder)
        with served.serving(
                folder, "--tls-cert", folder / "server.pem", "--tls-key",
                folder / "server.key", "--tokens",
                folder / "tokens") as address:
            loop = ControlLoop(folder, address)
            loop.start()
            target = Target(address)
            for abuse in (garbage, slow_headers, many_connections,
                          rapid_resets, giant_headers, wrong_headers,
                          half_handshakes):
                before = loop.decisions
                abuse(target)
                give_up = time.monotonic() + PATIENCE_S
                while loop.decisions < before + 5 and loop.error is None:
                    assert time.monotonic() < give_up, abuse.__name__
                    time.sleep(0.05)
                assert loop.error is None, (abuse.__name__, loop.error)
                print(f"{abuse.__name__}: {loop.decisions - before} decisions, "
                      f"the slowest took {loop.slowest_s * 1e3:.0f} ms")
                loop.slowest_s = 0
            loop.stopping.set()
            loop.join(PATIENCE_S)
        check_a_header_of_grpcs_own(folder)


if __name__ == "__main__":
    main()
