"""What else the controller needs of AWS: functions by their tag, their aliases, and a topic to report to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.aws.translate import translate_errors

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sns import SNSClient


@dataclass(frozen=True)
class Tagged:
    """The tagged functions of one account and region."""

    tags: "ResourceGroupsTaggingAPIClient"
    functions: "LambdaClient"
    topics: "SNSClient"

    def names(self, key: str, value: str) -> list[str]:
        """Return the functions with this tag, sorted."""
        wanted = [{"Key": key, "Values": [value]}] if value else [{"Key": key}]
        with translate_errors(f"find the functions with the tag {key}={value}"):
            pages = self.tags.get_paginator("get_resources").paginate(
                ResourceTypeFilters=["lambda:function"],
                TagFilters=wanted,  # type: ignore[arg-type]
            )
            arns = [found["ResourceARN"] for page in pages for found in page["ResourceTagMappingList"]]
        return sorted(arn.split(":")[6] for arn in arns)

    def aliases(self, function: str) -> set[str]:
        """Return the names of a function's aliases."""
        with translate_errors(f"list the aliases of {function}"):
            pages = self.functions.get_paginator("list_aliases").paginate(FunctionName=function)
            return {alias["Name"] for page in pages for alias in page["Aliases"]}

    def publish(self, topic: str, subject: str, message: str) -> None:
        """Send a message to an SNS topic, named by its ARN."""
        with translate_errors(f"report to {topic}"):
            self.topics.publish(TopicArn=topic, Subject=subject[:100], Message=message)


def open_tagged() -> Tagged:
    """Connect with the region and the credentials that the process has."""
    from deployer.aws.clients import client  # noqa: PLC0415 - late, as boto3 itself

    return Tagged(client("resourcegroupstaggingapi"), client("lambda"), client("sns"))
