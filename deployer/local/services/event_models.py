"""Event sources that a stack makes and moto leaves out: a bucket's notifications, a topic's subscriptions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from moto.s3.models import FakeBucket, s3_backends
from moto.sns.models import sns_backends
from moto.utilities.utils import get_partition

from deployer.local.services.api_models import Made

OFFERED: Final[Mapping[str, str]] = {
    "S3": "notifications of objects that are created and deleted, with filters; by API and by stack",
    "SQS": "each message, as it is sent; deleted when the function succeeds, else visible again",
    "SNS": "each message of a topic; by API and by stack",
    "DynamoDB streams": "each change of an item",
    "EventBridge rules": "events that fit a rule, with `Input` and `InputTransformer`",
    "EventBridge schedules": "sent on request, not by the clock: `curl -X POST $AWS_ENDPOINT_URL/_ldeploy/rules/NAME`",
}
"""What invokes functions here; docs/local.md has the same."""
_KINDS: Final = {
    "LambdaConfigurations": ("CloudFunctionConfiguration", "Function", "CloudFunction"),
    "QueueConfigurations": ("QueueConfiguration", "Queue", "Queue"),
    "TopicConfigurations": ("TopicConfiguration", "Topic", "Topic"),
}
"""A template's list -> moto's, and what both call the target."""


class StackBucket(FakeBucket):  # type: ignore[misc]
    """AWS::S3::Bucket, with its notifications."""

    kind = "AWS::S3::Bucket"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
    ) -> FakeBucket:
        """Create the bucket, and notify whom the template says."""
        made = super().create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name, **more
        )
        given = cloudformation_json.get("Properties", {}).get("NotificationConfiguration")
        if given:
            backend = s3_backends[account_id][get_partition(region_name)]
            backend.put_bucket_notification_configuration(made.name, dict(notifications(given)))
        return made


def notifications(given: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield a template's notifications as S3's API has them."""
    for listed, (kind, theirs, ours) in _KINDS.items():
        yield (
            kind,
            [
                {ours: one[theirs], "Event": [one["Event"]], **({"Filter": keys} if (keys := filters(one)) else {})}
                for one in given.get(listed, [])
            ],
        )


def filters(notification: Mapping[str, Any]) -> dict[str, Any]:
    """Return which keys are meant."""
    rules = ((notification.get("Filter") or {}).get("S3Key") or {}).get("Rules") or []
    named = [{"Name": rule["Name"].lower(), "Value": rule["Value"]} for rule in rules]
    return {"S3Key": {"FilterRule": named}} if named else {}


class StackSubscription(Made):
    """AWS::SNS::Subscription."""

    kind = "AWS::SNS::Subscription"

    @classmethod
    def make(cls, given: Mapping[str, Any], account: str, region: str, earlier: Made | None) -> Self:
        """Subscribe; an earlier subscription ends."""
        if earlier:
            earlier.delete()
        backend = sns_backends[account][region]
        made = backend.subscribe(given["TopicArn"], given["Endpoint"], given["Protocol"])
        return cls(made.arn, undo=lambda: backend.unsubscribe(made.arn))
