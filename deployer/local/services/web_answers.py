"""What a browser gets: made of a function's answer, of a mock, or of what went wrong; and CORS."""

import base64
import binascii
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, assert_never

from deployer.local.services.web_events import is_binary
from deployer.local.services.web_requests import Reply, WebRequest
from deployer.local.services.web_routes import Kind, Target

JSON: Final = ("Content-Type", "application/json")


class MalformedError(Exception):
    """A function's answer is none that a proxy integration can send on."""


def reply_of(payload: bytes, target: Target, request: WebRequest) -> Reply:
    """Return what a function's answer stands for.

    Raises:
        MalformedError: it stands for nothing.
    """
    answer = json.loads(payload or b"null")
    if target.version == "2.0" and not (isinstance(answer, dict) and "statusCode" in answer):
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Reply(200, text.encode(), (JSON,))
    if not isinstance(answer, dict):
        raise MalformedError
    try:
        status = int(answer.get("statusCode", 0))
        if not 100 <= status <= 599:
            raise MalformedError
        return Reply(status, _content(answer, target, request), _headers(answer, target))
    except (TypeError, ValueError, AttributeError) as error:
        raise MalformedError from error


def _content(answer: Mapping[str, Any], target: Target, request: WebRequest) -> bytes:
    text = answer.get("body")
    if text is None:
        return b""
    if not isinstance(text, str):
        raise MalformedError
    accepted = request.header("accept").partition(",")[0]
    decodes = target.kind is not Kind.REST or is_binary(accepted, target.binary)
    if not (answer.get("isBase64Encoded") and decodes):
        return text.encode()
    try:
        return base64.b64decode(text)
    except binascii.Error as error:
        raise MalformedError from error


def _headers(answer: Mapping[str, Any], target: Target) -> tuple[tuple[str, str], ...]:
    multiple = answer.get("multiValueHeaders") or {}
    often = {name.lower() for name in multiple}
    single = [(name, _text(one)) for name, one in (answer.get("headers") or {}).items() if name.lower() not in often]
    repeated = [(name, _text(one)) for name, values in multiple.items() for one in values]
    cookies = [("Set-Cookie", one) for one in answer.get("cookies") or []] if target.version == "2.0" else []
    found = [*single, *repeated, *cookies]
    if not any(name.lower() == "content-type" for name, _ in found):
        plain = ("Content-Type", "text/plain; charset=utf-8")
        found.append(plain if target.kind is Kind.HTTP else JSON)
    return tuple((name, value) for name, value in found if name.lower() != "content-length")


def _text(value: object) -> str:
    """Return a header's value: a number, true and false are written as in JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def failed(kind: Kind) -> Reply:
    """Return what is said of a function that failed, or whose answer is malformed."""
    match kind:
        case Kind.REST:
            return message(502, "Internal server error")
        case Kind.HTTP:
            return message(500, "Internal Server Error")
        case Kind.URL:
            return Reply(502, b"Internal Server Error", (("Content-Type", "text/plain"),))
    assert_never(kind)


def unknown(kind: Kind) -> Reply:
    """Return what is said where no route leads on."""
    match kind:
        case Kind.REST:
            return message(403, "Missing Authentication Token")
        case Kind.HTTP:
            return message(404, "Not Found")
        case Kind.URL:
            return message(403, "Forbidden")
    assert_never(kind)


def message(status: int, text: str) -> Reply:
    """Return an error in API Gateway's form."""
    return Reply(status, json.dumps({"message": text}).encode(), (JSON,))


def mocked(integration: Any) -> Reply:
    """Return what a MOCK integration of a REST API answers: its first response, without what templates would add."""
    found = integration.integration_responses or {}
    answer = next(iter(found.values()), None)
    if answer is None:
        return message(500, "Internal server error")
    headers = [
        (name.removeprefix("method.response.header."), str(value).strip("'"))
        for name, value in (answer.response_parameters or {}).items()
    ]
    text = (answer.response_templates or {}).get("application/json") or ""
    status = int(answer.status_code) if str(answer.status_code).isdigit() else 200
    return Reply(status, text.strip().encode(), (JSON, *headers))


def with_cors(reply: Reply, cors: Mapping[str, Any], request: WebRequest) -> Reply:
    """Return an answer with the headers by which an API lets another page read it; they go over the function's own."""
    origin = request.header("origin")
    if not cors or not origin:
        return reply
    kept = [pair for pair in reply.headers if not pair[0].lower().startswith("access-control-")]
    return Reply(reply.status, reply.body, (*kept, *allowed(cors, origin)))


def preflight(cors: Mapping[str, Any], request: WebRequest, kind: Kind) -> Reply | None:
    """Return the answer to a browser that asks whether it may; None where nobody asks, or the function answers."""
    asked = request.method == "OPTIONS" and request.header("origin") and request.header("access-control-request-method")
    if not cors or not asked:
        return None
    found = allowed(cors, request.header("origin"))
    listed = {
        "Access-Control-Allow-Methods": ",".join(cors.get("allowMethods") or []),
        "Access-Control-Allow-Headers": ",".join(cors.get("allowHeaders") or []),
        "Access-Control-Max-Age": str(cors.get("maxAge") or ""),
    }
    status = 204 if kind is Kind.HTTP else 200
    return Reply(status, b"", (*found, *((name, value) for name, value in listed.items() if found and value)))


def allowed(cors: Mapping[str, Any], origin: str) -> tuple[tuple[str, str], ...]:
    """Return what an origin is told, nothing where it is not among those allowed."""
    origins = cors.get("allowOrigins") or []
    if not any(fnmatchcase(origin, one) for one in origins):
        return ()
    found = [("Access-Control-Allow-Origin", "*" if "*" in origins else origin)]
    if cors.get("allowCredentials"):
        found.append(("Access-Control-Allow-Credentials", "true"))
    if exposed := cors.get("exposeHeaders"):
        found.append(("Access-Control-Expose-Headers", ",".join(exposed)))
    return tuple(found)
