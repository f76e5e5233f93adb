"""The Runtime API of one sandbox: what the runtime client asks for and answers, as events for ``instance.py``.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. It listens on 127.0.0.1 only.
"""

import json
import queue
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

VERSION: Final = "/2018-06-01/runtime"
_RESULT: Final = re.compile(rf"{VERSION}/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True)
class Ready:
    """The runtime asks for the next invocation: start-up, or the one before, is over."""


@dataclass(frozen=True)
class Answered:
    """The function's answer, or its error."""

    request: str
    body: bytes
    failed: bool


@dataclass(frozen=True)
class StartFailed:
    """Start-up ended in an error that the runtime could still report."""

    body: bytes
    kind: str


@dataclass(frozen=True)
class Ended:
    """The runtime's processes are gone: ``exit N`` (negative: a signal), ``failed ...`` or ``killed``."""

    how: str


Event = Ready | Answered | StartFailed | Ended


@dataclass(frozen=True)
class Invocation:
    """What the runtime gets for one request."""

    request: str
    payload: bytes
    function_arn: str
    deadline_ms: int
    client_context: str | None

    def headers(self) -> Mapping[str, str]:
        """Return the headers as the Runtime API gives them."""
        trace = f"Root=1-{self.request[:8]}-{self.request.replace('-', '')[8:32]};Sampled=0"
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": trace,
        }
        return headers | ({"Lambda-Runtime-Client-Context": self.client_context} if self.client_context else {})


class RuntimeApi:
    """A server for one start of a runtime.

    Args:
        events: where what happens is put, in order.
    """

    def __init__(self, events: "queue.SimpleQueue[Event]") -> None:
        self.events = events
        self.work: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """``host:port``, for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def give(self, invocation: Invocation) -> None:
        """Answer the runtime's question for the next invocation with this one."""
        self.work.put(invocation)

    def close(self) -> None:
        """Stop listening, and let go of a runtime that waits."""
        self.work.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    api: RuntimeApi
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a runtime that is killed leaves its connections broken."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one segment
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self.path != f"{VERSION}/invocation/next":
            return self._reply(404)
        api = self.server.api
        api.events.put(Ready())
        invocation = api.work.get()
        if invocation is None:
            self.close_connection = True
            return None
        return self._reply(200, invocation.payload, invocation.headers())

    def do_POST(self) -> None:
        body = self._body()
        events = self.server.api.events
        if self.path == f"{VERSION}/init/error":
            events.put(StartFailed(body, self.headers.get("Lambda-Runtime-Function-Error-Type", "Unknown")))
        elif match := _RESULT.fullmatch(self.path):
            events.put(Answered(match[1], body, failed=match[2] == "error"))
        else:
            return self._reply(404)
        return self._reply(202, json.dumps({"status": "OK"}).encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | dict(headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write nothing to the server's own stderr."""
