"""What a stack makes of a resource, where moto does not know its type or leaves out half of it."""

import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Self

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend
from moto.cloudformation import parsing
from moto.cloudformation.parsing import NULL_MODELS, get_model_map
from moto.core.exceptions import JsonRESTError

from deployer.local.functions.function import CHANGEABLE, DEFAULTS, FIXED, Function, LocalLayerVersion
from deployer.local.services.api_models import MODELS
from deployer.local.services.event_models import StackBucket, StackSubscription
from deployer.local.services.stack_model import Model

_SETTLED: Final = 0.05
"""Seconds between two looks at whether a function has settled."""


class StackFunction(Model):
    """AWS::Lambda::Function, with every setting that our functions know."""

    name = "FunctionName"
    kind = "AWS::Lambda::Function"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Return whether ``Fn::GetAtt`` may ask for it."""
        return attr == "Arn"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Function:
        """Create the function; return it when it is settled."""
        properties = cloudformation_json["Properties"]
        tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        spec = {**settings(properties), "FunctionName": resource_name, "Code": code(properties), "Tags": tags}
        function: Function = get_backend(account_id, region_name).create_function(spec)
        function.template = properties
        return settled(function)

    @classmethod
    def update_from_cloudformation_json(
        cls, *, original_resource: Function, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Function:
        """Change the settings that the template says otherwise than before, and no other: somebody may have."""
        backend, function = get_backend(account_id, region_name), original_resource
        name, before, now = function.function_name, function.template, cloudformation_json["Properties"]
        changed = {key for key in {*before, *now} if before.get(key) != now.get(key)}
        wanted = {"Environment": {}, **DEFAULTS, **settings(now)}
        settled(function)
        if given := {key: wanted[key] for key in CHANGEABLE if key in changed and key in wanted}:
            backend.update_function_configuration(name, None, given)
            settled(function)
        if changed & {"Code", "Architectures"}:
            backend.update_function_code(name, None, {**code(now), "Architectures": wanted["Architectures"]})
        function.template = now
        return settled(function)


def code(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the code is; a template's ZipFile is the text of one module."""
    where = dict(properties["Code"])
    if "ZipFile" in where:
        where["ZipFile"] = b64encode(LambdaFunction._create_zipfile_from_plaintext_code(where["ZipFile"]))
    return where


def settings(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function's configuration from its properties; numbers in the environment are text."""
    found = {key: properties[key] for key in (*CHANGEABLE, *FIXED) if properties.get(key) is not None}
    variables = (found.get("Environment") or {}).get("Variables") or {}
    texts = {name: str(value) for name, value in variables.items() if value is not None}
    return {**found, "Environment": {"Variables": texts}} if "Environment" in found else found


def settled(function: Function) -> Function:
    """Return the function when it is neither Pending nor being updated."""
    while not function.settled:
        time.sleep(_SETTLED)
    return function


class StackLayer(Model):
    """AWS::Lambda::LayerVersion, with its own name and architectures."""

    name = "LayerName"
    kind = "AWS::Lambda::LayerVersion"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> LocalLayerVersion:
        """Publish a version of the layer."""
        spec = {"LayerName": resource_name, **cloudformation_json["Properties"]}
        layer: LocalLayerVersion = get_backend(account_id, region_name).publish_layer_version(spec)
        return layer


class StackVersion(Model):
    """AWS::Lambda::Version: stays when its stack has another one."""

    kind = "AWS::Lambda::Version"

    def __init__(self, version: Function) -> None:
        self.version = str(version.version)
        self.physical_resource_id = str(version.function_arn)

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Return whether ``Fn::GetAtt`` may ask for it."""
        return attr == "Version"

    def get_cfn_attribute(self, _: str) -> str:
        """Return the number."""
        return self.version

    @classmethod
    def create_from_cloudformation_json(
        cls, _: str, cloudformation_json: Any, account_id: str, region_name: str, **__: str
    ) -> Self:
        """Publish a version of the present function."""
        properties = cloudformation_json["Properties"]
        backend = get_backend(account_id, region_name)
        wanted = {name: properties[name] for name in ("Description", "CodeSha256") if name in properties}
        return cls(backend.publish(properties["FunctionName"], wanted))

    def delete(self, *_: str) -> None:
        """Keep the version: SAM writes ``DeletionPolicy: Retain``."""


class StackAlias(Model):
    """AWS::Lambda::Alias."""

    kind = "AWS::Lambda::Alias"

    def __init__(self, properties: Mapping[str, Any], arn: str) -> None:
        self.function, self.alias, self.physical_resource_id = properties["FunctionName"], properties["Name"], arn

    @classmethod
    def create_from_cloudformation_json(
        cls, _: str, cloudformation_json: Any, account_id: str, region_name: str, **__: str
    ) -> Self:
        """Create the alias of one version."""
        properties = cloudformation_json["Properties"]
        alias = get_backend(account_id, region_name).create_alias(**alias_of(properties))
        return cls(properties, alias.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls, *, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Self:
        """Move the alias to another version."""
        properties = cloudformation_json["Properties"]
        alias = get_backend(account_id, region_name).update_alias(**alias_of(properties))
        return cls(properties, alias.arn)

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the alias; it is gone already where its function is."""
        with suppress(JsonRESTError):
            get_backend(account_id, region_name).delete_alias(self.alias, self.function)


def alias_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what moto's functions take."""
    return {
        "name": properties["Name"],
        "function_name": properties["FunctionName"],
        "function_version": properties["FunctionVersion"],
        "description": properties.get("Description", ""),
        "routing_config": properties.get("RoutingConfig", ""),
    }


class StackBucketPolicy(Model):
    """AWS::S3::BucketPolicy: taken and not enforced, as moto passes over the conditions of statements."""

    kind = "AWS::S3::BucketPolicy"

    def __init__(self, bucket: str) -> None:
        self.physical_resource_id = bucket

    @classmethod
    def create_from_cloudformation_json(cls, _: str, cloudformation_json: Any, *__: str, **___: str) -> Self:
        """Keep nothing but the bucket's name."""
        return cls(cloudformation_json["Properties"]["Bucket"])

    @classmethod
    def update_from_cloudformation_json(cls, *, cloudformation_json: Any, **_: Any) -> Self:
        """Keep the same."""
        return cls(cloudformation_json["Properties"]["Bucket"])

    def delete(self, *_: str) -> None:
        """Delete nothing: there is nothing."""


class InNameOnly(Model):
    """What moto lacks (an authorizer, a dashboard): it has a name, so that the stack's functions can be tried."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @classmethod
    def has_cfn_attr(cls, _: str) -> bool:
        """Accept whatever ``Fn::GetAtt`` asks for."""
        return True

    def get_cfn_attribute(self, attr: str) -> str:
        """Return a text that says whose attribute it would be."""
        return f"{self.physical_resource_id}.{attr}"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name: str, *_: Any, **__: str) -> Self:
        """Keep nothing but the name."""
        return cls(resource_name)

    @classmethod
    def update_from_cloudformation_json(cls, *, new_resource_name: str, **_: Any) -> Self:
        """Keep the same."""
        return cls(new_resource_name)

    def delete(self, *_: str) -> None:
        """Delete nothing: there is nothing."""


_CLEANED: Final = parsing.clean_json


def cleaned(part: Any, resources: Any) -> Any:
    """Return a part of a template with its functions resolved; what became ``AWS::NoValue`` in a list is left out.

    moto leaves None there: a policy with such a statement had "syntax errors".
    """
    found = _CLEANED(part, resources)
    return [one for one in found if one is not None] if isinstance(found, list) else found


def install_models(kinds: Iterable[str] = ()) -> None:
    """Put ours where moto looks for what makes a resource, also for those of these kinds that nobody makes."""
    parsing.clean_json = cleaned
    models = get_model_map()
    ours: tuple[type[Model], ...] = (
        StackFunction,
        StackLayer,
        StackVersion,
        StackAlias,
        StackBucketPolicy,
        StackSubscription,
        *MODELS,
    )
    for model in ours:
        models[model.kind] = model
    models[StackBucket.kind] = StackBucket
    for kind in set(kinds) - set(NULL_MODELS):
        if not (kind in models or kind.startswith("Custom::")):
            models[kind] = type("InNameOnly", (InNameOnly,), {"kind": kind})
