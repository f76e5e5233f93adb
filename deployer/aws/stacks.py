"""CloudFormation: reads a stack's status, outputs and resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.aws.translate import code_of, translate_errors
from deployer.errors import CloudError, MissingError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

FUNCTION = "AWS::Lambda::Function"
CONSTRUCT = "aws:cdk:path"
"""Where CDK writes a construct's path, in a resource's metadata."""
NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Stack:
    """A stack as it is now."""

    name: str
    status: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Logical id -> type and physical id."""

    @property
    def functions(self) -> dict[str, str]:
        """Logical id -> name, of its functions."""
        return {logical: name for logical, (kind, name) in self.resources.items() if kind == FUNCTION}


@dataclass(frozen=True)
class Stacks:
    """The stacks of one account and region."""

    client: "CloudFormationClient"

    def get(self, name: str) -> Stack:
        """Return a stack with its outputs and resources.

        Args:
            name: or its ARN.

        Raises:
            MissingError: there is none.
        """
        try:
            with translate_errors(f"look at the stack {name}"):
                found = self.client.describe_stacks(StackName=name)["Stacks"][0]
                pages = self.client.get_paginator("list_stack_resources").paginate(StackName=name)
                resources = [one for page in pages for one in page["StackResourceSummaries"]]
        except CloudError as error:
            if code_of(error.__cause__) == "ValidationError":
                raise MissingError(
                    f"There is no stack {name} here.", "Check --stack-name, --region and --profile."
                ) from error
            raise
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
        known = {
            one["LogicalResourceId"]: (one["ResourceType"], one.get("PhysicalResourceId", "")) for one in resources
        }
        return Stack(found["StackName"], found["StackStatus"], outputs, known)

    def constructs(self, name: str) -> dict[str, str]:
        """Return logical id -> path of the CDK construct that made the resource: ``Shop/Api/Fn/Resource``.

        Raises:
            CloudError: the template may not be read.
        """
        with translate_errors(f"read the template of the stack {name}"):
            template = self.client.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
        resources = template.get("Resources", {}) if isinstance(template, Mapping) else {}
        found = {logical: (one.get("Metadata") or {}).get(CONSTRUCT, "") for logical, one in resources.items()}
        return {logical: str(path) for logical, path in found.items() if path}
