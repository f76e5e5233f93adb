"""Lambda: a layer's version holds the bytes that were checked, or is not used."""

import base64
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deployer.aws.translate import translate_errors
from deployer.errors import CloudError, ConflictError
from deployer.models.function import StoredZip

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


def checked(client: "LambdaClient", published: Mapping[str, Any], content: bytes | StoredZip) -> str:
    """Return the ARN of a version that was published, if Lambda took the bytes that were meant.

    Args:
        client: of Lambda.
        published: Lambda's answer.
        content: what was meant.

    Raises:
        ConflictError: somebody put others in their place; the version is deleted, where that is permitted.
    """
    wanted = content.sha256 if isinstance(content, StoredZip) else hashlib.sha256(content).hexdigest()
    arn: str = published["LayerVersionArn"]
    if base64.b64decode(published["Content"]["CodeSha256"]).hex() == wanted:
        return arn
    with suppress(CloudError), translate_errors(f"delete {arn}"):
        client.delete_layer_version(LayerName=arn.split(":")[6], VersionNumber=published["Version"])
    raise ConflictError(
        f"{content.uri if isinstance(content, StoredZip) else arn} was replaced while it was published as a layer.",
        "Nothing uses that version; find out who writes to that bucket, and run the same command again.",
    )
