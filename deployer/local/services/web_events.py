"""The events that API Gateway and function URLs make of a request, in both of their forms.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from deployer.local.services.web_requests import WebRequest
from deployer.local.services.web_routes import DEFAULT, Kind, Target

_TEXT: Final = ("application/json", "application/xml", "application/javascript")
"""What is no text for HTTP APIs: everything else that is not text/*, also a form."""


def event_of(target: Target, request: WebRequest) -> dict[str, Any]:
    """Return the event of a request."""
    return version_1(target, request) if target.version == "1.0" else version_2(target, request)


def version_1(target: Target, request: WebRequest) -> dict[str, Any]:
    """Return the event of a REST API, and of an HTTP API that is asked for this form."""
    headers, query = forwarded(request), request.parameters()
    event = {
        "resource": target.route if target.kind is Kind.REST else target.route.partition(" ")[2] or target.route,
        "path": target.path if target.kind is Kind.REST else unquote(request.path),
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": many(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": many(query) or None,
        "pathParameters": dict(target.parameters) or None,
        "stageVariables": dict(target.variables) or None,
        "requestContext": _context_1(target, request),
        **body(target, request),
    }
    return event if target.kind is Kind.REST else {"version": "1.0", **event}


def _context_1(target: Target, request: WebRequest) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": target.account,
        "apiId": target.api,
        "domainName": request.host.partition(":")[0],
        "domainPrefix": target.api,
        "extendedRequestId": uuid.uuid4().hex[:16],
        "httpMethod": request.method,
        "identity": {"sourceIp": request.address, "userAgent": request.header("user-agent"), "user": None},
        "path": unquote(request.path),
        "protocol": request.protocol,
        "requestId": str(uuid.uuid4()),
        "requestTime": stamp(now),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": target.resource,
        "resourcePath": target.route,
        "stage": target.stage,
    }


def version_2(target: Target, request: WebRequest) -> dict[str, Any]:
    """Return the event of an HTTP API or of a function URL; what is not there is left out."""
    headers: dict[str, str] = {}
    for name, value in forwarded(request):
        headers[name.lower()] = ",".join(filter(None, [headers.get(name.lower()), value]))
    cookies = headers.pop("cookie", "")
    query = {name: ",".join(values) for name, values in many(request.parameters()).items()}
    path = request.path if target.kind is Kind.URL else unquote(request.path)
    optional = {
        "cookies": cookies.split("; ") if cookies else None,
        "queryStringParameters": query,
        "pathParameters": dict(target.parameters),
        "stageVariables": dict(target.variables),
    }
    carried = body(target, request)
    return {
        "version": "2.0",
        "routeKey": target.route,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": headers,
        **{name: value for name, value in optional.items() if value},
        "requestContext": _context_2(target, request, path),
        **{name: value for name, value in carried.items() if value is not None},
    }


def _context_2(target: Target, request: WebRequest, path: str) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": "anonymous" if target.kind is Kind.URL else target.account,
        "apiId": target.api,
        "domainName": request.host.partition(":")[0],
        "domainPrefix": target.api,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.address,
            "userAgent": request.header("user-agent"),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": target.route,
        "stage": target.stage if target.kind is Kind.HTTP else DEFAULT,
        "time": stamp(now),
        "timeEpoch": int(now * 1000),
    }


def forwarded(request: WebRequest) -> list[tuple[str, str]]:
    """Return the headers, with those that tell of the client."""
    port = request.host.rpartition(":")[2] if ":" in request.host else "80"
    trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    added = {
        "X-Forwarded-For": request.address,
        "X-Forwarded-Port": port,
        "X-Forwarded-Proto": "http",
        "X-Amzn-Trace-Id": trace,
    }
    return [(name, value) for name, value in request.headers if name not in added] + list(added.items())


def body(target: Target, request: WebRequest) -> dict[str, Any]:
    """Return the body, as text or, where it may be none, in base64."""
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    kind = request.header("content-type")
    if is_binary(kind, target.binary) if target.kind is Kind.REST else not is_text(kind, request.body):
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return {"body": request.body.decode("utf-8", "replace"), "isBase64Encoded": False}


def is_binary(media_type: str, binary: Sequence[str]) -> bool:
    """Return whether a REST API takes a media type for binary."""
    plain = media_type.partition(";")[0].strip().lower()
    group = plain.partition("/")[0] + "/*"
    return bool({"*/*", plain, group} & {one.lower() for one in binary})


def is_text(media_type: str, content: bytes) -> bool:
    """Return whether an HTTP API or a function URL hands a body on as it is."""
    plain = media_type.partition(";")[0].strip().lower()
    if plain:
        return plain.startswith("text/") or plain in _TEXT
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def many(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return every value of each name."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def stamp(now: float) -> str:
    """Return a time as the events write it: ``12/Mar/2020:19:03:58 +0000``."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))
