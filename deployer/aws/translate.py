"""AWS's errors, as boto3 raises them, become ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deployer.errors import (
    CloudError,
    ConflictError,
    DeniedError,
    LdeployError,
    MissingError,
    OverLimitError,
    UsageError,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

MISSING = frozenset({"ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "404", "NotFound"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation", "Forbidden"})
CONFLICT = frozenset({"PreconditionFailedException", "PreconditionFailed", "ConditionalRequestConflict", "412"})
_NAMED = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
TOO_LARGE = ("must be smaller than", "exceeds the maximum allowed size")
"""In the texts of Lambda's three size errors."""


@contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Turn whatever boto3 raises inside the block into an error of ours.

    Args:
        doing: what was being done, as in "could not <doing>".

    Raises:
        CloudError: or the kind of it that fits.
        UsageError: boto3 refuses a value before it asks AWS, such as a bucket's name.
    """
    try:
        yield
    except KeyError as error:
        text = f"Could not {doing}: AWS's answer lacks {error}."
        raise CloudError(text, "It is not AWS that answers, or not all of the answer came: try again.") from error
    except Exception as error:
        told = _told(error, doing)
        if told is None:
            raise
        raise told from (None if _echoes_values(error) else error)


def _told(error: Exception, doing: str) -> LdeployError | None:  # noqa: PLR0911 - a line a kind
    """Return an error of boto3's as one of ours; None for any other."""
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 - loaded already, where boto3 raised it
    from botocore import exceptions as boto  # noqa: PLC0415
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    match error:
        case boto.ClientError():
            return translated(error, doing)
        case S3UploadFailedError() if isinstance(error.__context__, boto.ClientError):
            return translated(error.__context__, doing)
        case S3UploadFailedError():
            return CloudError(f"Could not {doing}: {error}", "Run the same command again.")
        case boto.ParamValidationError():
            told = plain(" ".join(str(error).split()).removeprefix(_REFUSED))
            return UsageError(f"Could not {doing}: {told}.", "Check what was given.")
        case boto.NoCredentialsError():
            return DeniedError(
                f"Could not {doing}: no credentials were found.",
                "Set AWS_PROFILE, give --profile, or run `aws configure`.",
            )
        case boto.EndpointConnectionError():
            return CloudError(f"Could not {doing}: {error}", "Check --endpoint-url, --region and the network.")
        case boto.BotoCoreError() | ResponseParserError():
            return CloudError(f"Could not {doing}: {error}.", "Run the same command again.")
        case _:
            return None


def code_of(error: BaseException | None) -> str:
    """Return AWS's code of the error, such as ``ResourceNotFoundException``; empty where it is not AWS's."""
    return str(_answer(error).get("Code", ""))


def _answer(error: BaseException | None) -> dict[str, Any]:
    response = getattr(error, "response", {})
    return dict(response.get("Error", {})) if isinstance(response, dict) else {}


def translated(error: "ClientError", doing: str) -> CloudError | OverLimitError:
    """Return AWS's error as one of ours, with AWS's own message unless that echoes environment values."""
    code = code_of(error)
    message = _message(error)
    if _echoes_values(error):
        message = message.split(_ECHO)[0].strip()
    what = f"Could not {doing}: {message.rstrip('.') or code}."
    if code in MISSING:
        return MissingError(what, "Check the name, --region and --profile.")
    if code in DENIED:
        return DeniedError(what, f"Allow {_permission(error)} to whoever runs ldeploy.")
    if code in CONFLICT:
        return ConflictError(what, "Something else changed the function meanwhile: run the same command again.")
    if any(text in message for text in TOO_LARGE):
        return OverLimitError(what, "Lambda allows 262,144,000 bytes unzipped, code and layers together.")
    return CloudError(what, f"AWS calls it {code}.")


_REFUSED = "Parameter validation failed: "
_ECHO = "String measured"
"""After it follows every value of an environment over 4 KB: values are never printed, not even in tracebacks."""


def _echoes_values(error: BaseException) -> bool:
    return _ECHO in _message(error)


def _message(error: BaseException) -> str:
    return plain(str(_answer(error).get("Message", "")).strip())


_PATTERN = re.compile(
    r"(?:\d+ validation errors? detected: )?Value '?(?P<value>.*?)'? at '(?P<name>[\w.]+)' failed to satisfy "
    r"constraint: Member must .*",
    re.DOTALL,
)
_NO_BUCKET = re.compile(r'(?P<what>Invalid bucket name "[^"]*")(?:: Bucket name must match the regex .*)', re.DOTALL)


def plain(message: str) -> str:
    """Return AWS's message as a sentence: a page of HTML is its title, a regular expression is what does not fit it."""
    if re.match(r"\s*<(!doctype|html)\b", message, re.IGNORECASE):
        title = re.search(r"<(title|h1)[^>]*>\s*(.*?)\s*</\1>", message, re.IGNORECASE | re.DOTALL)
        told = " ".join(title[2].split()) if title else "no reason given"
        return f"a page of HTML came instead of an answer ({told}): a proxy, or another server, answers here"
    if match := _PATTERN.fullmatch(message):
        return f"'{match['value'][:80]}' is not a valid {match['name']}"
    match = _NO_BUCKET.fullmatch(message)
    return match["what"] if match else message


_PERMISSIONS = {
    "DescribeStacks": "cloudformation:DescribeStacks",
    "ListStackResources": "cloudformation:ListStackResources",
    "CreateMultipartUpload": "s3:PutObject",
    "FilterLogEvents": "logs:FilterLogEvents",
    "GetCallerIdentity": "sts:GetCallerIdentity",
    "GetLayerVersionByArn": "lambda:GetLayerVersion",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "DeleteRolePolicy": "iam:DeleteRolePolicy",
    "GetMetricData": "cloudwatch:GetMetricData",
    "GetResources": "tag:GetResources",
    "Invoke": "lambda:InvokeFunction",
    "Publish": "sns:Publish",
    "PutRolePolicy": "iam:PutRolePolicy",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "UploadPart": "s3:PutObject",
}
"""Operations that are not called as the permission for them
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""


def _permission(error: "ClientError") -> str:
    """Return the action that is missing: as AWS names it, for a call may need others beside its own."""
    if named := _NAMED.search(_message(error)):
        return named[1]
    operation = error.operation_name
    service = "s3" if any(part in operation for part in ("Bucket", "Object", "MultipartUpload")) else "lambda"
    return _PERMISSIONS.get(operation, f"{service}:{operation}")
