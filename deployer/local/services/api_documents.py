"""OpenAPI documents that describe an API become moto's records of it: Swagger 2.0 and OpenAPI 3, as SAM writes them.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

INTEGRATION: Final = "x-amazon-apigateway-integration"
_ANY: Final = "x-amazon-apigateway-any-method"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", _ANY})

Document = Mapping[str, Any]


def operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Return path, method (``ANY`` for any) and description of each operation."""
    for path, described in (document.get("paths") or {}).items():
        for method, operation in (described or {}).items():
            if method.lower() in _METHODS:
                yield path, "ANY" if method == _ANY else method.upper(), operation or {}


def describe_rest(api: Any, document: Document) -> None:
    """Make a REST API what a document says: resources, methods, integrations, binary media types."""
    api.resources.clear()
    api.default = api.add_child("/")
    api.root_resource_id = api.default.id
    info = document.get("info") or {}
    api.name, api.description = info.get("title") or api.name, info.get("description") or api.description or ""
    api.binaryMediaTypes = list(document.get("x-amazon-apigateway-binary-media-types") or api.binaryMediaTypes)
    for path, method, operation in operations(document):
        add_method(resource_at(api, path), method, operation.get(INTEGRATION), signed(operation, document))


def signed(operation: Mapping[str, Any], document: Document) -> str:
    """Return the kind of authorization of an operation: only AWS_IAM is told from the others."""
    schemes = (document.get("components") or {}).get("securitySchemes") or document.get("securityDefinitions") or {}
    named = {name for one in operation.get("security") or [] for name in one}
    kinds = {(schemes.get(name) or {}).get("x-amazon-apigateway-authtype") for name in named}
    return "AWS_IAM" if "awsSigv4" in kinds else "NONE"


def resource_at(api: Any, path: str) -> Any:
    """Return the resource of a path, made with those above it where they are missing."""
    resource = api.default
    for part in filter(None, path.split("/")):
        below = (one for one in api.resources.values() if one.parent_id == resource.id and one.path_part == part)
        resource = next(below, None) or api.add_child(part, resource.id)
    return resource


def add_method(resource: Any, method: str, integration: Mapping[str, Any] | None, authorization: str) -> None:
    """Give a resource a method and what answers it; keys may be as in a document or as in a template."""
    resource.add_method(method, authorization, None)
    if not integration:
        return
    given = {key[:1].lower() + key[1:]: value for key, value in integration.items()}
    made = resource.add_integration(
        method,
        str(given.get("type", "")).upper(),
        given.get("uri") or "",
        integration_method=given.get("httpMethod") or given.get("integrationHttpMethod"),
        request_templates=given.get("requestTemplates"),
    )
    for status, response in responses(given):
        made.create_integration_response(
            status,
            response.get("selectionPattern", ""),
            dict(response.get("responseTemplates") or {}),
            dict(response.get("responseParameters") or {}),
        )


def responses(integration: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return status and description of an integration's responses: a mapping in documents, a list in templates."""
    listed = integration.get("integrationResponses") or list((integration.get("responses") or {}).values())
    for response in listed:
        given = {key[:1].lower() + key[1:]: value for key, value in response.items()}
        yield str(given.get("statusCode", "200")), given


def describe_http(api: Any, document: Document) -> None:
    """Make an HTTP API what a document says: routes, integrations, CORS."""
    api.routes.clear()
    api.integrations.clear()
    info = document.get("info") or {}
    api.name, api.version = info.get("title") or api.name, str(info.get("version") or api.version or "")
    api.cors_configuration = document.get("x-amazon-apigateway-cors") or api.cors_configuration
    for path, method, operation in operations(document):
        target = add_integration(api, operation.get(INTEGRATION) or {})
        key = "$default" if path.strip("/") == "$default" else f"{method} {path}"
        add_route(api, key, target, signed(operation, document))


def add_integration(api: Any, described: Mapping[str, Any]) -> str:
    """Add what answers a route, and return its identifier; keys may be as in a document or as in a template."""
    given = {key[:1].lower() + key[1:]: value for key, value in described.items()}
    made = api.create_integration(
        connection_type=given.get("connectionType", "INTERNET"),
        description=given.get("description", ""),
        integration_method=given.get("integrationMethod") or given.get("httpMethod"),
        integration_type=str(given.get("integrationType") or given.get("type") or "").upper(),
        integration_uri=given.get("integrationUri") or given.get("uri"),
        payload_format_version=str(given.get("payloadFormatVersion") or "1.0"),
    )
    return str(made.id)


def add_route(api: Any, key: str, integration: str, authorization: str = "NONE") -> Any:
    """Add a route to an integration."""
    return api.create_route(
        api_key_required=False,
        authorization_scopes=[],
        route_key=key,
        target=f"integrations/{integration}",
        authorization_type=authorization,
    )
