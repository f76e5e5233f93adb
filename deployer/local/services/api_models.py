"""What a stack makes of APIs and function URLs: moto knows none of the second kind of API, and no body of the first."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Self

from moto.apigateway.models import Stage, apigateway_backends
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.utils import get_backend
from moto.core.exceptions import JsonRESTError

from deployer.local.services.api_documents import add_integration, add_method, add_route, describe_http, describe_rest
from deployer.local.services.apis import create_http_api, quick
from deployer.local.services.stack_model import Model

Given = Mapping[str, Any]


class Made(Model):
    """A resource that one function makes, also anew when the template changes it, and another one takes away."""

    attributes: Mapping[str, str] = {}

    def __init__(self, identifier: str, attributes: Given | None = None, undo: Callable[[], Any] | None = None) -> None:
        self.physical_resource_id = identifier
        self.found, self.undo = dict(attributes or {}), undo

    @classmethod
    @abstractmethod
    def make(cls, given: Given, account: str, region: str, earlier: "Made | None") -> Self:
        """Make it, or change the earlier one."""

    @classmethod
    def has_cfn_attr(cls, _: str) -> bool:
        """Accept what ``Fn::GetAtt`` asks for; what is not there fails when it is taken."""
        return True

    def get_cfn_attribute(self, attr: str) -> Any:
        """Return an attribute."""
        return self.found[attr]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Self:
        """Make it by the template's properties."""
        given = {"Name": resource_name, **cloudformation_json["Properties"]}
        return cls.make(given, account_id, region_name, None)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        *,
        original_resource: "Made",
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Self:
        """Make it what the template says now."""
        given = {"Name": new_resource_name, **cloudformation_json["Properties"]}
        return cls.make(given, account_id, region_name, original_resource)

    def delete(self, *_: str) -> None:
        """Take it away; it is gone already where what holds it is."""
        if self.undo:
            with suppress(KeyError, JsonRESTError):
                self.undo()


class StackRestApi(Made):
    """AWS::ApiGateway::RestApi, also with its body in the template."""

    kind = "AWS::ApiGateway::RestApi"
    name = "Name"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Create the API, and describe it where the template does."""
        backend = apigateway_backends[account][region]
        description = given.get("Description", "")
        api = (
            backend.apis[earlier.physical_resource_id]
            if earlier
            else backend.create_rest_api(name=given["Name"], description=description)
        )
        api.name, api.description = given["Name"], description
        api.binaryMediaTypes = [one.replace("~1", "/") for one in given.get("BinaryMediaTypes") or []]
        if given.get("Body"):
            describe_rest(api, given["Body"])
        found = {"RootResourceId": api.root_resource_id, "RestApiId": api.id}
        return cls(api.id, found, lambda: backend.apis.pop(api.id))


class StackResource(Made):
    """AWS::ApiGateway::Resource."""

    kind = "AWS::ApiGateway::Resource"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Add one part of a path."""
        api = apigateway_backends[account][region].apis[given["RestApiId"]]
        parent = api.root_resource_id if given["ParentId"] == api.id else given["ParentId"]
        if earlier:
            api.resources[earlier.physical_resource_id].path_part = given["PathPart"]
            return cls(earlier.physical_resource_id, earlier.found, earlier.undo)
        resource = api.add_child(given["PathPart"], parent)
        return cls(resource.id, {"ResourceId": resource.id}, lambda: api.resources.pop(resource.id))


class StackMethod(Made):
    """AWS::ApiGateway::Method."""

    kind = "AWS::ApiGateway::Method"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Put the method and its integration; an earlier one of the same name is replaced."""
        if earlier:
            earlier.delete()
        api = apigateway_backends[account][region].apis[given["RestApiId"]]
        resource = api.resources[api.root_resource_id if given["ResourceId"] == api.id else given["ResourceId"]]
        method = given["HttpMethod"].upper()
        add_method(resource, method, given.get("Integration"), given.get("AuthorizationType") or "NONE")
        return cls(f"{api.id}|{resource.id}|{method}", undo=lambda: resource.delete_method(method))


class StackDeployment(Made):
    """AWS::ApiGateway::Deployment, with the stage that it may name."""

    kind = "AWS::ApiGateway::Deployment"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Create a deployment; an earlier one stands for the next too, as here changes are seen at once."""
        if earlier:
            return cls(earlier.physical_resource_id, earlier.found, earlier.undo)
        api, name = apigateway_backends[account][region].apis[given["RestApiId"]], given.get("StageName")
        variables = (given.get("StageDescription") or {}).get("Variables")
        made = api.create_deployment(name, given.get("Description", ""), variables)
        return cls(made.id, {"DeploymentId": made.id}, lambda: api.deployments.pop(made.id))


class StackStage(Made):
    """AWS::ApiGateway::Stage."""

    kind = "AWS::ApiGateway::Stage"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Create the stage, or lead it to another deployment."""
        if earlier:
            earlier.delete()
        api, name = apigateway_backends[account][region].apis[given["RestApiId"]], given["StageName"]
        variables = given.get("Variables") or {}
        api.stages[name] = Stage(name, given.get("DeploymentId"), variables, given.get("Description", ""))
        return cls(name, undo=lambda: api.stages.pop(name))


class StackHttpApi(Made):
    """AWS::ApiGatewayV2::Api, also with its body in the template, and the quick one with a target."""

    kind = "AWS::ApiGatewayV2::Api"
    name = "Name"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Create the API, and describe it where the template does."""
        backend = apigatewayv2_backends[account][region]
        lower = {key[:1].lower() + key[1:]: value for key, value in given.items()}
        api = backend.apis[earlier.physical_resource_id] if earlier else create_http_api(account, region, lower)
        api.name, api.cors_configuration = given["Name"], given.get("CorsConfiguration")
        if given.get("Body"):
            describe_http(api, given["Body"])
        if given.get("Target") and not earlier:
            quick(api, given["Target"], given.get("RouteKey"))
        found = {"ApiEndpoint": api.api_endpoint, "ApiId": api.api_id}
        return cls(api.api_id, found, lambda: backend.apis.pop(api.api_id))


class StackIntegration(Made):
    """AWS::ApiGatewayV2::Integration."""

    kind = "AWS::ApiGatewayV2::Integration"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Add what answers; routes know an earlier one by its identifier, which stays."""
        api = apigatewayv2_backends[account][region].apis[given["ApiId"]]
        identifier = add_integration(api, given)
        if earlier:
            made, identifier = api.integrations.pop(identifier), earlier.physical_resource_id
            made.id = identifier
            api.integrations[identifier] = made
        return cls(identifier, {"IntegrationId": identifier}, lambda: api.integrations.pop(identifier))


class StackRoute(Made):
    """AWS::ApiGatewayV2::Route."""

    kind = "AWS::ApiGatewayV2::Route"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Add a route; an earlier one is replaced."""
        if earlier:
            earlier.delete()
        api = apigatewayv2_backends[account][region].apis[given["ApiId"]]
        integration = str(given.get("Target") or "").rpartition("/")[2]
        route = add_route(api, given["RouteKey"], integration, given.get("AuthorizationType") or "NONE")
        return cls(route.route_id, {"RouteId": route.route_id}, lambda: api.routes.pop(route.route_id))


class StackHttpStage(Made):
    """AWS::ApiGatewayV2::Stage."""

    kind = "AWS::ApiGatewayV2::Stage"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Create the stage, or change its variables."""
        if earlier:
            earlier.delete()
        api, name = apigatewayv2_backends[account][region].apis[given["ApiId"]], given["StageName"]
        lower = {key[:1].lower() + key[1:]: value for key, value in given.items()}
        api.create_stage({**lower, "stageVariables": given.get("StageVariables") or {}})
        return cls(name, undo=lambda: api.stages.pop(name))


class StackUrl(Made):
    """AWS::Lambda::Url."""

    kind = "AWS::Lambda::Url"

    @classmethod
    def make(cls, given: Given, account: str, region: str, earlier: Made | None) -> Self:
        """Give a function, or its alias, a URL; the earlier one stays, with what the template says now."""
        backend = get_backend(account, region)
        parts = str(given["TargetFunctionArn"]).split(":")
        name = parts[6] if len(parts) > 6 else parts[0]
        qualifier = given.get("Qualifier") or (parts[7] if len(parts) > 7 else None)
        if earlier:
            backend.function_urls.get(name, qualifier).update(dict(given))
            return cls(earlier.physical_resource_id, earlier.found, earlier.undo)
        url = backend.create_url(name, qualifier, dict(given))
        found = {"FunctionUrl": url.address(backend.local.endpoint), "FunctionArn": url.arn}
        return cls(url.arn, found, lambda: backend.function_urls.delete(name, qualifier))


MODELS: Final[tuple[type[Made], ...]] = (
    StackRestApi,
    StackResource,
    StackMethod,
    StackDeployment,
    StackStage,
    StackHttpApi,
    StackIntegration,
    StackRoute,
    StackHttpStage,
    StackUrl,
)
