"""What stands in front of moto: downloads, control, faults, and the many ways to name a function."""

import io
import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import LimitedStream

from deployer.local.access import refusal
from deployer.local.context import DOWNLOADS
from deployer.local.faults import ErrorAnswer, Faults, Kind, error_answer
from deployer.local.functions import settings
from deployer.local.operations import REST, operation
from deployer.local.sandbox.code_store import CodeStore
from deployer.local.services.web_requests import api_of, read_request

Environ = dict[str, Any]
Start = Callable[..., Any]
App = Callable[[Environ, Start], Iterable[bytes]]

LOG: Final = logging.getLogger(__name__)
JSON: Final = "application/json"
CONTROL: Final = "/_ldeploy/"
_LAYER: Final = re.compile(r"(/20\d\d-\d\d-\d\d/layers/)arn:[^:]+:lambda:[^:]+:\d{12}:layer:([^/:]+)(/.*)?")
_FUNCTION: Final = re.compile(r"(/20\d\d-\d\d-\d\d/functions/)([^/]+)(/.*)?")
_ARN: Final = re.compile(r"(?:arn:[^:]+:lambda:[^:]*:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::([\w$-]+))?")


class Gateway:
    """A WSGI application around moto's.

    Args:
        app: moto's.
        store: for downloads.
        faults: ordered faults and the journal.
    """

    def __init__(self, app: App, store: CodeStore, faults: Faults) -> None:
        self._app, self._store, self._faults = app, store, faults

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if own := self._own(environ, path):
            return own(environ, start_response)
        name = operation(environ, peek(environ))
        kind = self._faults.meet(name)
        if kind is None and (refused := refusal(name, environ)):
            if not isinstance(environ["wsgi.input"], io.BytesIO):  # else it was read already
                read_all(environ)
            return refuse(refused, name, start_response)
        if kind is None:
            return self._answer(name, environ, start_response)
        return self._fail(kind, name, environ, start_response)

    def _own(self, environ: Environ, path: str) -> Response | None:
        """Answer what is not for moto: refusals, web functions, downloads, control."""
        if not is_local(environ.get("HTTP_HOST", "")):  # a name of a web page's own (DNS rebinding)
            return Response(status=403)
        if api := api_of(environ):
            return web(environ, api)
        if "HTTP_ORIGIN" in environ:  # a web page in the user's browser has no business here
            return Response(status=403)
        if path.startswith(DOWNLOADS):
            return self._download(path.removeprefix(DOWNLOADS), environ)
        return self._control(Request(environ)) if path.startswith(CONTROL) else None

    def _answer(self, name: str, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Let moto answer; what it lacks or fails on becomes an AWS error in the service's own form, never HTML."""
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        if length := int(environ.get("CONTENT_LENGTH") or 0):
            environ["wsgi.input"] = LimitedStream(environ["wsgi.input"], length)
        try:
            body = self._app(plain_name(environ), lambda status, headers, *_: begun.append((status, headers)))
        except Exception as error:
            LOG.debug("%s failed", name, exc_info=True)
            text = f"{name} failed in ldeploy local ({type(error).__name__}: {error})."
            return refuse(ErrorAnswer("500 Internal Server Error", "InternalFailure", text), name, start_response)
        status, headers = begun[0]
        if status[0] in "45" and length:
            environ["wsgi.input"].exhaust()  # so that the sender of a body that nobody read hears the answer
        if status[0] in "45" and dict(headers).get("Content-Type", "").startswith("text/html"):
            if known := settings.answer(name, environ):
                return Response(json.dumps(known[1]), known[0], content_type=JSON, headers=error_type(known[1]))(
                    environ, start_response
                )
            text = f"{name} is not offered by ldeploy local."
            return refuse(ErrorAnswer("404 Not Found", "UnknownOperationException", text), name, start_response)
        start_response(status, headers)
        return body

    def _fail(self, kind: Kind, name: str, environ: Environ, start_response: Start) -> Iterable[bytes]:
        if kind is Kind.SLOW:
            return slowly(b"".join(self._app(plain_name(environ), start_response)))
        if kind is Kind.CUT:
            body = b"".join(self._app(plain_name(environ), start_response))
            return cut_off(body, environ["werkzeug.socket"])
        if kind is Kind.LOSE_ANSWER:
            for _ in self._app(plain_name(environ), lambda *_: lambda _: None):
                pass
        answer = error_answer(kind, name)
        if answer is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("as ordered")
        read_all(environ)
        return refuse(answer, name, start_response)

    def _download(self, sha256: str, environ: Environ) -> Response:
        path = self._store.zip_path(sha256)
        if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not path.exists():
            return Response(status=404)
        return send_file(path, environ, mimetype="application/zip", conditional=True)

    def _control(self, request: Request) -> Response:
        match request.method, request.path.removeprefix(CONTROL):
            case "POST", "faults":
                self._faults.order(**request.get_json())
            case "DELETE", "faults":
                self._faults.clear()
            case "DELETE", "journal":
                self._faults.forget()
            case "GET", "journal":
                return Response(json.dumps(self._faults.journal), mimetype="application/json")
            case "POST", rule if rule.startswith("rules/"):
                return Response(status=204 if run_rule(rule.removeprefix("rules/")) else 404)
            case "GET", "apis":
                return Response(json.dumps(apis(f"{request.scheme}://{request.host}")), mimetype="application/json")
            case _:
                return Response(status=404)
        return Response(status=204)


def web(environ: Environ, api: str) -> Response:
    """Answer a request to an API or a function URL."""
    from deployer.local.services.web import answer  # noqa: PLC0415 - a second, for those who have APIs

    return answer(read_request(environ, api)).response()


def apis(endpoint: str) -> list[dict[str, Any]]:
    """Return the APIs and function URLs, each with its address here."""
    from deployer.local.services.web import listed  # noqa: PLC0415 - as above

    return listed(endpoint)


def run_rule(name: str) -> int:
    """Send what a schedule would send, now."""
    from deployer.local.services.rules import run  # noqa: PLC0415 - as above

    return run(name)


def error_type(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the header by which Lambda's clients know an error."""
    return {"x-amzn-ErrorType": document["__type"]} if "__type" in document else {}


def refuse(answer: ErrorAnswer, name: str, start_response: Start) -> Iterable[bytes]:
    """Answer with an error in the form of the service."""
    content_type, body = answer.body(name.partition(".")[0])
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(answer.status, [*headers, ("x-amzn-ErrorType", answer.code)])
    return [body]


def is_local(host: str) -> bool:
    """Return whether a ``Host`` header names this machine: only such names cannot be led here by foreign DNS."""
    name = host.lower().rpartition("]")[0] + "]" if host.startswith("[") else host.lower().partition(":")[0]
    return name in {"127.0.0.1", "localhost", "[::1]"} or name.endswith(".localhost")


def slowly(body: bytes) -> Iterator[bytes]:
    """Yield the answer in ten parts, a tenth of a second apart."""
    part = len(body) // 10 + 1
    for start in range(0, len(body), part):
        time.sleep(0.1)
        yield body[start : start + part]


def cut_off(body: bytes, connection: socket.socket) -> Iterator[bytes]:
    """Yield half of the answer."""
    yield body[: len(body) // 2]
    connection.shutdown(socket.SHUT_RDWR)


def peek(environ: Environ) -> bytes:
    """Return the body of a form, which names the operation; leave it in place for the next reader."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return b""
    if any(f"/{service}/aws4_request" in environ.get("HTTP_AUTHORIZATION", "") for service in REST):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def read_all(environ: Environ) -> None:
    """Take in a request that is refused, so that its sender hears the answer."""
    Request(environ).get_data(cache=False)


def plain_name(environ: Environ) -> Environ:
    """Split a function's ARN or qualified name into name and query string, and a layer's ARN: moto knows only those."""
    if layer := _LAYER.fullmatch(environ["PATH_INFO"]):
        return _at(environ, f"{layer[1]}{layer[2]}{layer[3] or ''}", environ.get("QUERY_STRING", ""))
    match = _FUNCTION.fullmatch(environ["PATH_INFO"])
    parts = _ARN.fullmatch(match[2]) if match else None
    if not match or not parts or parts[0] == parts[1]:
        return environ
    path = f"{match[1]}{parts[1]}{match[3] or ''}"
    query = environ.get("QUERY_STRING", "")
    if parts[2] and "Qualifier=" not in query:
        query = "&".join(filter(None, [query, urlencode({"Qualifier": parts[2]})]))
    return _at(environ, path, query)


def _at(environ: Environ, path: str, query: str) -> Environ:
    target = quote(path) + (f"?{query}" if query else "")
    return {**environ, "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": target, "REQUEST_URI": target}
