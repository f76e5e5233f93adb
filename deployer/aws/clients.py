"""boto3's clients. The only import of boto3, and imported late: it takes half a second."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError, ProfileNotFound

from deployer.aws.hooks import expect_owner, refuse_cut_answers
from deployer.aws.translate import translate_errors
from deployer.errors import UsageError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_iam import IAMClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

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
