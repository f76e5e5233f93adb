"""A server in the place of S3 that goes wrong in the way that the first part of an address says."""

import json
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STATUS = {"denied": 403, "gone": 404, "changed": 412, "range": 416, "broken": 500, "busy": 503}
FLAKY = {"flaky": (503, 503), "cut": (206,)}
"""What the first requests meet."""


class FaultyBucket(ThreadingHTTPServer):
    """Serves one object: ``http://127.0.0.1:PORT/WAY/bucket/key``."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.requests: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.over = threading.Event()

    def url(self, way: str, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.server_port}/{way}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyBucket

    def do_GET(self) -> None:
        way = self.path.split("/")[1]
        self.server.requests[way] += 1
        self.server.keys.add(self.headers.get("authorization", "").partition("Credential=")[2].partition("/")[0])
        number = self.server.requests[way]
        if way == "credentials":
            self._answer(200, json.dumps({"AccessKeyId": "SNAP", "SecretAccessKey": "s", "Token": "t"}).encode())
        elif way == "hangs":
            self.server.over.wait()
        elif way in STATUS or (way == "flaky" and number <= 2):
            self._answer(STATUS.get(way, 503), b"<Error/>")
        else:
            self._serve(way, number)

    def _serve(self, way: str, number: int) -> None:
        start, end = map(int, self.headers["range"].removeprefix("bytes=").split("-"))
        body, size = self.server.data[start : end + 1], len(self.server.data) + (way == "grown")
        if way == "damaged":
            body = body[:60] + bytes(byte ^ 255 for byte in body[60:90]) + body[90:]
        pieces = [body]
        if way == "slow":
            pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
        self._head(206, len(body), f"bytes {start}-{end}/{size}")
        for at, piece in enumerate(pieces):
            if way == "cut" and number == 1:
                piece = piece[: len(piece) // 2]  # noqa: PLW2901
                self.close_connection = True
            if way == "slow" and at:
                self.server.over.wait(0.05)
            if way == "half":
                self.wfile.write(piece[: len(piece) // 2])
                self.server.over.wait()
                return
            self.wfile.write(piece)

    def _answer(self, status: int, body: bytes) -> None:
        self._head(status, len(body))
        self.wfile.write(body)

    def _head(self, status: int, length: int, part: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(data: bytes, certificate: Path | None = None) -> Iterator[FaultyBucket]:
    """The server, at work; over TLS where there is a certificate (with its key in one file)."""
    with FaultyBucket(data) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()


def make_certificate(folder: Path) -> Path:
    """One of its own for localhost, with its key."""
    both = folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes((folder / "key").read_bytes() + (folder / "crt").read_bytes())
    return both
