"""APIs and function URLs that lead to functions: for curl and for a browser.

A request comes by the name of its host (``http://<id>.execute-api.<region>.localhost:<port>/<stage>/…``, with
``lambda-url`` for a function URL) or by its path (``http://127.0.0.1:<port>/_ldeploy/apis/<id>/<stage>/…``). What is
not imitated: authorizers and API keys, templates of the mapping language, WebSocket APIs, and that a REST API is as it
was when it was last deployed: here a change is seen at once.
"""

import json
from collections.abc import Iterator
from concurrent.futures import TimeoutError as Late
from typing import Any, Final

from moto.apigateway.models import apigateway_backends
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.utils import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError

from deployer.local.functions import rules
from deployer.local.services.web_answers import (
    MalformedError,
    failed,
    message,
    mocked,
    preflight,
    reply_of,
    unknown,
    with_cors,
)
from deployer.local.services.web_events import event_of
from deployer.local.services.web_requests import Reply, WebRequest
from deployer.local.services.web_routes import (
    Kind,
    Target,
    best,
    function_of,
    http_routes,
    lower_first,
    rest_routes,
    stage_of,
)

PATIENCE: Final = {Kind.REST: 29.0, Kind.HTTP: 30.0, Kind.URL: 900.0}
"""Seconds that an answer may take."""
ACCOUNT: Final = DEFAULT_ACCOUNT_ID


def answer(request: WebRequest) -> Reply:
    """Answer a request by the function that it is routed to."""
    target = find(request)
    if isinstance(target, Reply):
        return target
    if asked := preflight(target.cors, request, target.kind):
        return asked
    if target.signed and not request.header("authorization"):
        return message(403, "Missing Authentication Token" if target.kind is Kind.REST else "Forbidden")
    return with_cors(invoke(target, request), target.cors, request)


def find(request: WebRequest) -> Target | Reply:
    """Return the function that answers, or what is said without one."""
    for region, backend in apigateway_backends[ACCOUNT].items():
        if request.api in backend.apis:
            return find_rest(backend.apis[request.api], region, request)
    for region, backend in apigatewayv2_backends[ACCOUNT].items():
        if request.api in backend.apis:
            return find_http(backend.apis[request.api], region, request)
    for region, url in urls():
        if url.identifier == request.api:
            cors, signed = lower_first(url.config.get("Cors")), url.config.get("AuthType") == "AWS_IAM"
            return Target(Kind.URL, request.api, region, ACCOUNT, url.arn, path=request.path, cors=cors, signed=signed)
    return unknown(Kind.URL)


def urls() -> Iterator[tuple[str, Any]]:
    """Return every function URL and its region."""
    # a region's backend is made by asking for it: take those whose functions exist
    for region in list(lambda_regions()):
        for url in get_backend(ACCOUNT, region).function_urls:
            yield region, url


def lambda_regions() -> list[str]:
    """Return the regions where Lambda has been asked for anything."""
    import moto.awslambda_simple.models as seam  # noqa: PLC0415 - the server replaces what it holds

    return list(seam.lambda_simple_backends[ACCOUNT])


def find_rest(api: Any, region: str, request: WebRequest) -> Target | Reply:
    """Return what a REST API says of a request."""
    staged = stage_of(request, api.stages)
    if staged is None:
        return message(403, "Forbidden")
    stage, path = staged
    found = best(rest_routes(api), request.method, path)
    if found is None or found[0].record.method_integration is None:
        return unknown(Kind.REST)
    route, parameters = found
    integration, variables = route.record.method_integration, stage.variables or {}
    if integration.integration_type == "MOCK":
        return mocked(integration)
    function = function_of(integration.uri, variables)
    if function is None or integration.integration_type != "AWS_PROXY":
        return message(501, f"{integration.integration_type} integrations are not offered by ldeploy local.")
    return Target(
        Kind.REST,
        api.id,
        region,
        ACCOUNT,
        function,
        version="1.0",
        route=route.pattern,
        resource=route.resource,
        stage=stage.name,
        variables=variables,
        parameters=parameters,
        path=path,
        binary=tuple(api.binaryMediaTypes),
        signed=route.record.authorization_type == "AWS_IAM",
    )


def find_http(api: Any, region: str, request: WebRequest) -> Target | Reply:
    """Return what an HTTP API says of a request."""
    staged = stage_of(request, api.stages) if api.protocol_type == "HTTP" else None
    if staged is None:
        return unknown(Kind.HTTP)
    stage, path = staged
    cors = lower_first(api.cors_configuration)
    if asked := preflight(cors, request, Kind.HTTP):
        return asked
    found = best(http_routes(api), request.method, path)
    identifier = (found[0].record.target or "").rpartition("/")[2] if found else ""
    integration = api.integrations.get(identifier)
    if found is None or integration is None:
        return with_cors(unknown(Kind.HTTP), cors, request)
    route, parameters = found
    variables = stage.stage_variables or {}
    function = function_of(integration.integration_uri, variables)
    if function is None:
        return message(501, f"{integration.integration_type} integrations are not offered by ldeploy local.")
    return Target(
        Kind.HTTP,
        api.api_id,
        region,
        ACCOUNT,
        function,
        version=str(integration.payload_format_version or "1.0"),
        route=route.record.route_key,
        stage=stage.name,
        variables=variables,
        parameters=parameters,
        path=path,
        cors=cors,
        signed=route.record.authorization_type == "AWS_IAM",
    )


def invoke(target: Target, request: WebRequest) -> Reply:
    """Invoke the function, and return what its answer stands for."""
    payload = json.dumps(event_of(target, request)).encode()
    parts = target.function.split(":")
    region, name, qualifier = parts[3], parts[6], parts[7] if len(parts) > 7 else None
    try:
        rules.check_payload(payload, event=False)
        _, _, future = get_backend(ACCOUNT, region).submit(name, qualifier, payload, None)
        done = future.result(PATIENCE[target.kind])
        return failed(target.kind) if done.failed else reply_of(done.payload, target, request)
    except rules.TooLargeError:
        return message(413, "Request Too Long")
    except rules.TooManyRequestsError:
        return message(429, "Too Many Requests") if target.kind is Kind.URL else failed(target.kind)
    except Late:
        late = target.kind is Kind.REST
        return message(504, "Endpoint request timed out") if late else message(503, "Service Unavailable")
    except (JsonRESTError, MalformedError):
        return failed(target.kind)


def listed(endpoint: str) -> list[dict[str, Any]]:
    """Return every API and function URL with its address here, and where it leads."""
    port = endpoint.rpartition(":")[2]
    found = []
    for region, backend in apigateway_backends[ACCOUNT].items():
        for api in backend.apis.values():
            routes = sorted(f"{route.method} {route.pattern}" for route in rest_routes(api))
            found.append(_row(Kind.REST, api.id, api.name, region, port) | {"routes": routes, "stages": [*api.stages]})
    for region, backend in apigatewayv2_backends[ACCOUNT].items():
        for api in backend.apis.values():
            routes = sorted(route.route_key for route in api.routes.values())
            row = _row(Kind.HTTP, api.api_id, api.name, region, port)
            found.append(row | {"routes": routes, "stages": [*api.stages]})
    return found + [
        {"kind": Kind.URL, "id": url.identifier, "name": url.arn, "url": url.address(endpoint)} for _, url in urls()
    ]


def _row(kind: Kind, identifier: str, name: str, region: str, port: str) -> dict[str, Any]:
    return {"kind": kind, "id": identifier, "name": name, "url": local_url(identifier, region, port)}


def local_url(identifier: str, region: str, port: str) -> str:
    """Return an API's address on this machine."""
    return f"http://{identifier}.execute-api.{region}.localhost:{port}"
