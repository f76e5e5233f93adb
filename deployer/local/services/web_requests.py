"""A request to a web function, and the answer to it, apart from how they are sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request, Response

PREFIX: Final = "/_ldeploy/apis/"
_HOST: Final = re.compile(r"([a-z0-9]+)\.(?:execute-api|lambda-url)\.[a-z0-9-]+\.localhost")
_PATH: Final = re.compile(rf"{PREFIX}([a-z0-9]+)(/.*)?", re.DOTALL)


@dataclass(frozen=True)
class WebRequest:
    """What a browser sent."""

    api: str
    """Identifier of the API or the function URL."""
    method: str
    path: str
    """As sent, percent-encoded, below the API's root: ``/prod/items/1``."""
    query: str
    """As sent, without the question mark."""
    headers: tuple[tuple[str, str], ...]
    """Names as ``Content-Type``."""
    body: bytes
    address: str
    """Whose."""
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str:
        """Return a header, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def host(self) -> str:
        """What the client calls this machine."""
        return self.header("host")

    def parameters(self) -> list[tuple[str, str]]:
        """Return the query's names and values, decoded, in their order."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True)
class Reply:
    """What the browser gets."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())

    def response(self) -> Response:
        """Return it as werkzeug sends it."""
        made = Response(self.body, self.status, list(self.headers))
        if not any(name.lower() == "content-type" for name, _ in self.headers):
            del made.headers["Content-Type"]
        return made


def api_of(environ: Mapping[str, Any]) -> str | None:
    """Return which API or function URL a request is for, by its host's name or its path; None for a call of AWS."""
    if by_path := _PATH.fullmatch(environ["PATH_INFO"]):
        return by_path[1]
    by_host = _HOST.fullmatch(environ.get("HTTP_HOST", "").lower().partition(":")[0])
    return by_host[1] if by_host else None


def read_request(environ: dict[str, Any], api: str) -> WebRequest:
    """Take a request in."""
    request = Request(environ)
    path = environ.get("RAW_URI", request.path).partition("?")[0]
    by_path = _PATH.fullmatch(path)
    return WebRequest(
        api=api,
        method=request.method,
        path=(by_path[2] or "/") if by_path else path or "/",
        query=request.query_string.decode("latin-1"),
        headers=tuple((name, value) for name, value in request.headers.items() if value),
        body=request.get_data(),
        address=request.remote_addr or "127.0.0.1",
        protocol=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
    )
