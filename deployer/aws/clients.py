"""boto3's clients, and AWS's errors as ours. The only import of boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ProfileNotFound,
)

from deployer.aws.hooks import expect_owner, refuse_cut_answers
from deployer.errors import CloudError, ConflictError, DeniedError, MissingError, OverLimitError, UsageError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_iam import IAMClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

MISSING = frozenset({"ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "404", "NotFound"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation", "Forbidden"})
CONFLICT = frozenset({"PreconditionFailedException", "PreconditionFailed", "ConditionalRequestConflict", "412"})
TOO_LARGE = ("must be smaller than", "exceeds the maximum allowed size")
"""In the texts of Lambda's three size errors."""

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8}, read_timeout=920, connect_timeout=10)
"""A synchronous invocation may take 900 s to answer
(https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html)."""

ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=920, connect_timeout=10)
"""For invocations: an answer that is lost may be of an event that did its work."""

PACED = Config(retries={"mode": "adaptive", "max_attempts": 10}, read_timeout=70, connect_timeout=10)
"""For many requests side by side: when AWS throttles them, the client itself holds all of them back
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html)."""


@dataclass(frozen=True)
class Clients:
    """One client a service, made when it is first asked for: each takes as long as a few requests."""

    session: boto3.Session
    endpoint_url: str | None
    bucket_owner: str = ""
    """The account that every bucket must belong to; empty for our own."""

    @cached_property
    def functions(self) -> "LambdaClient":
        made: LambdaClient = self._client("lambda", RETRIES)
        return made

    @cached_property
    def invocations(self) -> "LambdaClient":
        made: LambdaClient = self._client("lambda", ONCE)
        return made

    @cached_property
    def storage(self) -> "S3Client":
        client: S3Client = self._client("s3", RETRIES)
        expect_owner(client, lambda: self.bucket_owner or self.account())
        return client

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        made: CloudWatchLogsClient = self._client("logs", PACED)
        return made

    @cached_property
    def tokens(self) -> "STSClient":
        made: STSClient = self._client("sts", RETRIES)
        return made

    @cached_property
    def roles(self) -> "IAMClient":
        made: IAMClient = self._client("iam", RETRIES)
        return made

    @cached_property
    def stacks(self) -> "CloudFormationClient":
        made: CloudFormationClient = self._client("cloudformation", RETRIES)
        return made

    @cached_property
    def metrics(self) -> Any:
        return self._client("cloudwatch", RETRIES)

    def _client(self, service: Any, config: Config) -> Any:
        made = self.session.client(service, endpoint_url=self.endpoint_url, config=config)
        refuse_cut_answers(made)
        return made

    @property
    def region(self) -> str:
        return self.session.region_name

    def account(self) -> str:
        """Return the account's twelve digits."""
        return self._account

    @cached_property
    def _account(self) -> str:
        with translate_errors("ask who we are"):
            return self.tokens.get_caller_identity()["Account"]


def connect(region: str | None, profile: str | None, endpoint_url: str | None, bucket_owner: str = "") -> Clients:
    """Return the clients for one region and endpoint.

    Args:
        region: or None for what boto3 takes.
        profile: or None for what boto3 takes.
        endpoint_url: or None for AWS itself.
        bucket_owner: the account that every bucket must belong to; empty for our own.

    Raises:
        UsageError: no region, a profile that does not exist, or an endpoint that is no URL.
    """
    try:
        clients = Clients(boto3.Session(region_name=region, profile_name=profile), endpoint_url, bucket_owner)
        _ = clients.functions  # boto3 checks region and endpoint when it makes the first
        return clients
    except ProfileNotFound as error:
        raise UsageError(f"{error}.", "Name one of ~/.aws/config with --profile.") from error
    except NoRegionError as error:
        raise UsageError("No region is set.", "Give --region, or set AWS_DEFAULT_REGION.") from error
    except ValueError as error:
        raise UsageError(f"{error}.", "Give --endpoint-url as http://host:port.") from error


def client(service: Any) -> Any:
    """Return a client as boto3 makes it by itself: for a process in AWS, whose region and role are given."""
    return boto3.client(service, config=RETRIES)


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
    except ClientError as error:
        told = translated(error, doing)
        raise told from (None if _echoes_values(error) else error)
    except S3UploadFailedError as error:
        if isinstance(error.__context__, ClientError):
            raise translated(error.__context__, doing) from error
        raise CloudError(f"Could not {doing}: {error}", "Run the same command again.") from error
    except ParamValidationError as error:
        raise UsageError(f"Could not {doing}: {' '.join(str(error).split())}.", "Check what was given.") from error
    except NoCredentialsError as error:
        raise DeniedError(
            f"Could not {doing}: no credentials were found.",
            "Set AWS_PROFILE, give --profile, or run `aws configure`.",
        ) from error
    except EndpointConnectionError as error:
        raise CloudError(f"Could not {doing}: {error}", "Check --endpoint-url, --region and the network.") from error
    except BotoCoreError as error:
        raise CloudError(f"Could not {doing}: {error}.", "Run the same command again.") from error
    except KeyError as error:
        text = f"Could not {doing}: AWS's answer lacks {error}."
        raise CloudError(text, "It is not AWS that answers, or not all of the answer came: try again.") from error


def code_of(error: ClientError) -> str:
    """Return AWS's code of the error, such as ``ResourceNotFoundException``."""
    return error.response.get("Error", {}).get("Code", "")


def translated(error: ClientError, doing: str) -> CloudError | OverLimitError:
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


_ECHO = "String measured"
"""After it follows every value of an environment over 4 KB: values are never printed, not even in tracebacks."""


def _echoes_values(error: ClientError) -> bool:
    return _ECHO in _message(error)


def _message(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Message", "").strip()


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


def _permission(error: ClientError) -> str:
    operation = error.operation_name
    service = "s3" if any(part in operation for part in ("Bucket", "Object", "MultipartUpload")) else "lambda"
    return _PERMISSIONS.get(operation, f"{service}:{operation}")
