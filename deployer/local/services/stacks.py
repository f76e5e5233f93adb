"""CloudFormation: moto's, with SAM templates, change sets that fail as AWS's do, and functions with all they have."""

import json
import re
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deployer.local.services.stack_models import StackAlias, StackFunction, StackVersion, install_models

SAM: Final = "AWS::Serverless-2016-10-31"


class StacksBackend(CloudFormationBackend):  # type: ignore[misc]
    """Stacks of a region. What fails is left as it is, as with ``--disable-rollback``."""

    def create_stack(self, name: str, template: str, parameters: Mapping[str, Any], **more: Any) -> Stack:
        """Answer CreateStack."""
        plain = expanded(template, parameters, self.region_name)
        return super().create_stack(name, plain, parameters, **more)

    def create_change_set(self, **wanted: Any) -> tuple[str, str]:
        """Answer CreateChangeSet: the template is expanded here, as AWS does."""
        plain = expanded(wanted["template"], wanted["parameters"], self.region_name)
        created: tuple[str, str] = super().create_change_set(**{**wanted, "template": plain})
        return created

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Answer ExecuteChangeSet; done when it returns."""
        change_set = self.describe_change_set(change_set_name)
        stack = change_set.stack
        try:
            stack.resource_map.update(before_versions(stack, change_set.template_dict), change_set.parameters)
            super().execute_change_set(change_set_name, stack_name)
        except Exception as error:
            stack.status = f"{change_set.change_set_type}_FAILED"
            stack._add_stack_event(stack.status, resource_status_reason=getattr(error, "message", None) or str(error))
            return
        stack._parse_template()
        stack.parameters = change_set.parameters
        stack.output_map = stack._create_output_map()  # moto's own is of the template before

    def delete_change_set(self, change_set_name: str, *more: Any) -> None:
        """Answer DeleteChangeSet; one that is not there is no error, as in AWS: tools delete before they create."""
        if any(change_set_name in {one.change_set_name, key} for key, one in self.change_sets.items()):
            super().delete_change_set(change_set_name, *more)

    def change_set_id(self, name: str, stack: str | None) -> str:
        """Return the id of a stack's newest change set of this name: other stacks may have one of the same name.

        Args:
            name: or the id itself.
            stack: its name or id.
        """
        mine = [
            key
            for key, one in self.change_sets.items()
            if one.change_set_name == name and stack in {one.stack.name, one.stack.stack_id}
        ]
        return mine[-1] if mine else name

    def update_stack(self, name: str, template: str, parameters: list[dict[str, Any]], **more: Any) -> Stack:
        """Answer UpdateStack."""
        parameters = with_defaults(self.get_stack(name), parameters)
        given = {one["ParameterKey"]: one.get("ParameterValue") for one in parameters}
        plain = expanded(template, given, self.region_name)
        return super().update_stack(name=name, template=plain, parameters=parameters, **more)


def with_defaults(stack: Stack, parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parameters; a previous value that nobody gave is the default, which moto does not know."""
    known = stack.template_dict.get("Parameters", {})
    return [
        {"ParameterKey": one["ParameterKey"], "ParameterValue": known[one["ParameterKey"]].get("Default", "")}
        if one.get("UsePreviousValue") and one["ParameterKey"] not in stack.parameters and one["ParameterKey"] in known
        else one
        for one in parameters
    ]


def before_versions(stack: Stack, template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without its new versions, and without what refers to them; its aliases as they are.

    moto adds resources first, and then changes functions.
    """
    before, after = stack.resource_map._resource_json_map, template["Resources"]
    later = {name for name, resource in after.items() if resource["Type"] in {StackVersion.kind, StackAlias.kind}}
    waiting: set[str] = set()
    while found := {name for name in after if name not in waiting and (name in later or refers(after[name], waiting))}:
        waiting |= found
    resources = {
        name: before[name] if name in waiting else resource
        for name, resource in after.items()
        if name not in waiting or name in before
    }
    return {**template, "Resources": resources}


def refers(value: Any, names: Collection[str]) -> bool:
    """Return whether a part of a template refers to one of these resources."""
    if isinstance(value, dict):
        target = value.get("Ref") or value.get("Fn::GetAtt") or value.get("Fn::Sub") or ""
        first = target[0] if isinstance(target, list) else target
        if isinstance(first, str) and (first in names or any(re.search(rf"\$\{{{name}[}}.]", first) for name in names)):
            return True
        depends = value.get("DependsOn", [])
        if set(names) & {*([depends] if isinstance(depends, str) else depends)}:
            return True
        return any(refers(one, names) for one in value.values())
    return isinstance(value, list) and any(refers(one, names) for one in value)


class StackResponse(CloudFormationResponse):  # type: ignore[misc]
    """One request."""

    @property
    def cloudformation_backend(self) -> StacksBackend:
        """Ours, of the request's account and region."""
        backend: StacksBackend = stacks_backends[self.current_account][self.region]
        return backend

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        """Return a parameter; a change set that is there by its id, as moto looks for the name in every stack."""
        found = super()._get_param(param_name, if_none)
        if param_name != "ChangeSetName" or not found or self._get_action() == "CreateChangeSet":
            return found
        return self.cloudformation_backend.change_set_id(found, super()._get_param("StackName"))

    def _get_stack_from_s3_url(self, template_url: str) -> str:
        """Return a template in a bucket here, named by this server's own address or by one of AWS's."""
        parts = urlsplit(template_url)
        host, path = parts.hostname or "", unquote(parts.path.removeprefix("/"))
        virtual = re.fullmatch(r"(.+)\.(?:s3[.-][^/]*|s3\.amazonaws\.com|localhost)", host)
        bucket, key = (virtual[1], path) if virtual else path.split("/", 1)
        return str(s3_backends[self.current_account][self.partition].get_object(bucket, key).value.decode())


stacks_backends = BackendDict(StacksBackend, "cloudformation")


def expanded(template: str, parameters: Mapping[str, Any], region: str) -> str:
    """Return a template without the SAM transform, by AWS's own translator, as JSON.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-serverless.html

    Raises:
        ValidationError: it is no SAM template.
    """
    document = Stack.parse_template(template)
    transforms = document.get("Transform", [])
    if SAM in (transforms if isinstance(transforms, list) else [transforms]):
        translator = Translator({}, Parser(), boto_session=SimpleNamespace(region_name=region))
        pseudo = {"AWS::Region": region, "AWS::Partition": "aws"}
        try:
            document = translator.translate(document, {**pseudo, **parameters})
        except InvalidDocumentException as error:
            causes = " ".join([error.message, *(cause.message for cause in error.causes)])
            raise ValidationError(message=f"Transform {SAM} failed with: {causes}") from error
        finally:
            translator.metrics.publish()  # to nobody; else it is asked for in a warning
    install_models(resource["Type"] for resource in document.get("Resources", {}).values())
    for resource in document.get("Resources", {}).values():
        if resource["Type"] == StackFunction.kind:
            # moto sees that a parameter changed only where it is referred to by itself, in no condition and no text
            resource.setdefault("Metadata", {})["Parameters"] = dict(parameters)
    return json.dumps(document, default=str)
