"""API Gateway's own answers: moto's, with any OpenAPI document imported, and addresses that work here."""

import json
from collections.abc import Mapping
from typing import Any

from moto.apigateway.responses import APIGatewayResponse
from moto.apigateway.utils import deserialize_body
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.awslambda.utils import get_backend

from deployer.local.services.api_documents import add_integration, add_route, describe_http, describe_rest
from deployer.local.services.web import local_url

Reply = tuple[int, dict[str, Any], str]


class RestApisResponse(APIGatewayResponse):  # type: ignore[misc]
    """One request about REST APIs."""

    def create_rest_api(self) -> Reply:
        """Answer CreateRestApi and ImportRestApi, which differ in what they carry."""
        if document := deserialize_body(self.body):
            api = self.backend.create_rest_api(name=document["info"]["title"], description="")
            describe_rest(api, document)
            return 201, {"status": 201}, json.dumps(api.to_dict())
        status, headers, body = super().create_rest_api()
        if types := self._get_param("binaryMediaTypes"):
            api = self.backend.get_rest_api(json.loads(body)["id"])
            api.binaryMediaTypes = types
            body = json.dumps(api.to_dict())
        return status, headers, body

    def put_rest_api(self) -> Reply:
        """Answer PutRestApi; what the document does not have is gone, as with ``mode=overwrite``."""
        api = self.backend.get_rest_api(self.path.replace("/restapis/", "", 1).split("/")[0])
        describe_rest(api, deserialize_body(self.body))
        return 200, {}, json.dumps(api.to_dict())


class HttpApisResponse(ApiGatewayV2Response):  # type: ignore[misc]
    """One request about HTTP APIs."""

    def create_api(self) -> Reply:
        """Answer CreateApi, also the quick one, with a target and a stage that deploys itself."""
        status, headers, body = super().create_api()
        api, asked = self._found(json.loads(body)["apiId"]), json.loads(self.body)
        if asked.get("target"):
            quick(api, asked["target"], asked.get("routeKey"))
        return 201 if status == 200 else status, {**headers, "status": 201}, json.dumps(api.to_json())

    def import_api(self) -> Reply:
        """Answer ImportApi."""
        document = deserialize_body(json.loads(self.body)["body"])
        api = create_http_api(self.current_account, self.region, {"name": document["info"]["title"]})
        describe_http(api, document)
        return 201, {"status": 201}, json.dumps(api.to_json())

    def reimport_api(self) -> Reply:
        """Answer ReimportApi."""
        api = self.apigatewayv2_backend.get_api(api_id=self.path.split("/")[-1])
        describe_http(api, deserialize_body(json.loads(self.body)["body"]))
        return 201, {"status": 201}, json.dumps(api.to_json())

    def _found(self, identifier: str) -> Any:
        api = self.apigatewayv2_backend.get_api(api_id=identifier)
        api.api_endpoint = endpoint_of(self.current_account, self.region, identifier)
        return api


def endpoint_of(account: str, region: str, identifier: str) -> str:
    """Return where an API can be reached on this machine."""
    return local_url(identifier, region, get_backend(account, region).local.endpoint.rpartition(":")[2])


def create_http_api(account: str, region: str, given: Mapping[str, Any]) -> Any:
    """Create an HTTP API by a template's or a request's properties, whose keys begin in lower case."""
    api = apigatewayv2_backends[account][region].create_api(
        api_key_selection_expression=given.get("apiKeySelectionExpression"),
        cors_configuration=given.get("corsConfiguration"),
        description=given.get("description", ""),
        disable_schema_validation=None,
        disable_execute_api_endpoint=None,
        name=given.get("name", ""),
        protocol_type=given.get("protocolType") or "HTTP",
        route_selection_expression=given.get("routeSelectionExpression"),
        tags=given.get("tags") or {},
        version=given.get("version"),
    )
    api.api_endpoint = endpoint_of(account, region, api.api_id)
    return api


def quick(api: Any, target: str, key: str | None) -> None:
    """Lead an API to one function, as the quick way of creating it does."""
    described = {"integrationType": "AWS_PROXY", "integrationUri": target, "payloadFormatVersion": "2.0"}
    add_route(api, key or "$default", add_integration(api, described))
    api.create_stage({"stageName": "$default", "autoDeploy": True})
