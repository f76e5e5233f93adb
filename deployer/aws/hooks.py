"""What botocore does at every call: only buckets of the expected account, and no answer that was cut off."""

import json
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError

_OWNER: Final = "ExpectedBucketOwner"


class CutOffError(BotoCoreError):
    """An answer that ended early: botocore takes the rest of its JSON for a message without fields."""

    fmt = "the answer of AWS was cut off"


def expect_owner(client: Any, owner: Callable[[], str]) -> None:
    """Let S3 refuse each call of a client on a bucket that belongs to another account.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html

    Args:
        client: of S3.
        owner: returns the account's twelve digits; asked when the first call is made.
    """

    def add(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.input_shape and _OWNER in model.input_shape.members:
            params.setdefault(_OWNER, owner())

    client.meta.events.register("before-parameter-build.s3", add)


def refuse_cut_answers(client: Any) -> None:
    """Let a client raise where the JSON of an answer is not whole; botocore itself checks XML and streams."""

    def check(http_response: Any, model: Any, **_: Any) -> None:
        if model.has_streaming_output or http_response.status_code >= 300 or not http_response.content:
            return
        try:
            json.loads(http_response.content)
        except ValueError as error:
            raise CutOffError from error

    if client.meta.service_model.resolved_protocol in {"json", "rest-json"}:
        client.meta.events.register("after-call", check)
