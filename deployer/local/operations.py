"""Which AWS operation a request is: ``lambda.UpdateFunctionCode``, by botocore's own models of the services."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from botocore.session import Session

_SIGNED: Final = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
REST: Final = ("lambda", "s3")
COPIES: Final = ("CopyObject", "UploadPartCopy")
"""Told apart from PutObject and UploadPart by a header."""


@dataclass(frozen=True)
class Route:
    """One operation of a REST service."""

    name: str
    method: str
    path: re.Pattern[str]
    literals: Mapping[str, str]
    """What the query string must hold, such as ``list-type=2``."""
    needed: frozenset[str]
    """Names that it must have, such as ``uploadId``."""
    weight: int
    """How much of it is fixed: the most specific route wins."""


def operation(environ: Mapping[str, Any], body: bytes = b"") -> str:
    """Return ``service.Operation``, or ``service.METHOD`` where no model fits.

    Args:
        environ: the WSGI request.
        body: of a query-protocol service (IAM, STS, CloudFormation), where it names the action.
    """
    signed = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = signed[1] if signed else "s3"
    method = environ["REQUEST_METHOD"]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}.{target.rpartition('.')[2]}"
    if service not in REST:
        action = parse_qs(body.decode("utf-8", "replace")).get("Action", [method])[0]
        return f"{service}.{action}"
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    fitting = [route for route in routes(service) if fits(route, method, environ["PATH_INFO"], query)]
    copies = "HTTP_X_AMZ_COPY_SOURCE" in environ
    fitting = [route for route in fitting if copies or route.name not in COPIES]
    best = max(fitting, key=lambda route: route.weight, default=None)
    return f"{service}.{best.name if best else method}"


def fits(route: Route, method: str, path: str, query: Mapping[str, list[str]]) -> bool:
    """Return whether a request is of this route."""
    return (
        route.method == method
        and bool(route.path.fullmatch(path))
        and all(key in query and query[key][0] == value for key, value in route.literals.items())
        and route.needed <= query.keys()
    )


@cache
def routes(service: str) -> tuple[Route, ...]:
    """Return every operation of a REST service."""
    return tuple(_routes(service))


def _routes(service: str) -> Iterator[Route]:
    model = Session().get_service_model(service)
    for name in model.operation_names:
        described = model.operation_model(name)
        http = described.http
        parts = urlsplit(http["requestUri"])
        path = parts.path
        if service == "s3" and not path.startswith("/{Bucket}") and path != "/":
            path = "/{Bucket}" + path
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(path)))
        literals = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        needed = frozenset(_needed(described.input_shape))
        weight = (len(literals) + len(needed)) * 100 + len(path) - 10 * path.count("{")
        yield Route(name, http["method"], re.compile(pattern.rstrip("/") + "/?"), literals, needed, weight)


def _needed(request: Any) -> Iterator[str]:
    """Return the names that the query string of an operation must have."""
    for member in request.required_members if request else ():
        serialized = request.members[member].serialization
        if serialized.get("location") == "querystring":
            yield serialized["name"]
