"""Which function answers a web request: by the routes of a REST API, of an HTTP API, or by a function URL.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

from deployer.local.services.web_requests import WebRequest

DEFAULT: Final = "$default"
ANY: Final = "ANY"
_FUNCTION: Final = re.compile(r"arn:[^:]+:lambda:[^:]+:\d+:function:[\w-]+(?::[\w$-]+)?")


class Kind(StrEnum):
    """What stands in front of a function; each has its own events and errors."""

    REST = "rest"
    HTTP = "http"
    URL = "url"


@dataclass(frozen=True)
class Route:
    """One way into an API."""

    method: str
    pattern: str
    """``/items/{id}``, ``/{proxy+}`` or ``$default``."""
    record: Any
    """moto's: what answers."""
    resource: str = ""

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's parameters where the route fits, None where it does not."""
        if self.method not in {ANY, method}:
            return None
        found = re.fullmatch(expression(self.pattern), path)
        names = re.findall(r"\{(\w+)\+?\}", self.pattern)
        return dict(zip(names, map(unquote, found.groups()), strict=True)) if found else None

    @property
    def rank(self) -> tuple[Any, ...]:
        """How far behind others it comes: fixed parts first, greedy ones late, a method of its own before ANY."""
        parts = [segment.startswith("{") + segment.endswith("+}") for segment in self.pattern.split("/")]
        return self.pattern == DEFAULT, parts, self.method == ANY


def expression(pattern: str) -> str:
    """Return the regular expression of a route's path."""
    if pattern == DEFAULT:
        return ".*"
    segments = []
    for segment in pattern.strip("/").split("/"):
        greedy = re.fullmatch(r"\{\w+\+\}", segment)
        one = re.fullmatch(r"\{\w+\}", segment)
        segments.append("(.+)" if greedy else "([^/]+)" if one else re.escape(segment))
    return "/" + "/".join(segments) + ("/?" if pattern != "/" else "")


def best(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the most specific route that fits, and the path's parameters."""
    fitting = [(route, found) for route in routes if (found := route.match(method, path)) is not None]
    return min(fitting, key=lambda pair: pair[0].rank, default=None)


@dataclass(frozen=True)
class Target:
    """The function that answers a request, and what its event says of the way to it."""

    kind: Kind
    api: str
    region: str
    account: str
    function: str
    """Its ARN, perhaps with an alias."""
    version: str = "2.0"
    """Of the event: 1.0 or 2.0."""
    route: str = DEFAULT
    """Resource of a REST API, or route key."""
    resource: str = ""
    stage: str = DEFAULT
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    """Below the stage, as sent."""
    binary: tuple[str, ...] = ()
    """Media types that a REST API takes for binary."""
    cors: Mapping[str, Any] = field(default_factory=dict)
    signed: bool = False
    """Whether the caller must sign its request (AWS_IAM)."""


def function_of(uri: str, variables: Mapping[str, str]) -> str | None:
    """Return the ARN of the function in an integration's URI; None where it leads elsewhere."""
    filled = re.sub(r"\$\{stageVariables\.(\w+)\}", lambda name: variables.get(name[1], ""), uri or "")
    found = _FUNCTION.search(filled.removeprefix("arn:aws:apigateway:"))
    return found[0] if found else None


def rest_routes(api: Any) -> Iterator[Route]:
    """Return the ways into a REST API."""
    for resource in api.resources.values():
        for method, record in resource.resource_methods.items():
            yield Route(method.upper(), resource.get_path(), record, resource.id)


def http_routes(api: Any) -> Iterator[Route]:
    """Return the ways into an HTTP API."""
    for record in api.routes.values():
        method, _, path = record.route_key.partition(" ")
        yield Route(method, path, record) if path else Route(ANY, DEFAULT, record)


def stage_of(request: WebRequest, stages: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the stage that a request names, else the default one, and the path below it."""
    first, slash, rest = request.path[1:].partition("/")
    if first in stages and first != DEFAULT:
        return stages[first], slash + rest or "/"
    return (stages[DEFAULT], request.path) if DEFAULT in stages else None


def lower_first(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a configuration as clients write it, also where a template wrote it: ``allowOrigins``."""
    return {key[:1].lower() + key[1:]: value for key, value in (config or {}).items()}
