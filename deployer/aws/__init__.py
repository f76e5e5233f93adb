"""The only place that talks to AWS: one account, one region, one endpoint.

The endpoint may be AWS itself or the AWS on this machine; nothing here knows which.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from deployer.aws.buckets import Buckets
from deployer.aws.functions import Functions
from deployer.aws.insights import Insights
from deployer.aws.invocations import Invocations
from deployer.aws.leftovers import Leftovers
from deployer.aws.logs import Logs
from deployer.aws.metrics import Metrics
from deployer.aws.releases import Releases
from deployer.aws.roles import Roles
from deployer.aws.stacks import Stacks
from deployer.aws.storage import Storage

if TYPE_CHECKING:
    from deployer.aws.clients import Clients

__all__ = ["Aws", "Functions", "Insights", "Logs", "Roles", "Stacks", "Storage", "open_aws"]


@dataclass(frozen=True)
class Aws:
    """What ldeploy may do in AWS, by service; a service is connected to when a command first needs it."""

    clients: "Clients"

    @cached_property
    def functions(self) -> Functions:
        return Functions(self.clients.functions)

    @cached_property
    def invocations(self) -> Invocations:
        return Invocations(self.functions, self.clients.invocations)

    @cached_property
    def releases(self) -> Releases:
        return Releases(self.functions)

    @cached_property
    def buckets(self) -> Buckets:
        return Buckets(self.clients.storage)

    @cached_property
    def leftovers(self) -> Leftovers:
        return Leftovers(self.functions, self.storage, self.roles)

    @cached_property
    def storage(self) -> Storage:
        return Storage(self.clients.storage)

    @cached_property
    def logs(self) -> Logs:
        return Logs(self.clients.logs)

    @cached_property
    def metrics(self) -> Metrics:
        return Metrics(self.clients.metrics)

    @cached_property
    def insights(self) -> Insights:
        return Insights(self.clients.logs)

    @cached_property
    def roles(self) -> Roles:
        return Roles(self.clients.roles)

    @cached_property
    def stacks(self) -> Stacks:
        return Stacks(self.clients.stacks)

    @property
    def region(self) -> str:
        return self.clients.region

    def account(self) -> str:
        """Return the account's twelve digits."""
        return self.clients.account()


def open_aws(region: str | None, profile: str | None, endpoint_url: str | None, bucket_owner: str = "") -> Aws:
    """Connect; for None, take what boto3 takes: its variables, its files, the role.

    Args:
        region: of everything.
        profile: of the user's configuration.
        endpoint_url: another one than AWS's.
        bucket_owner: the account that every bucket must belong to; empty for our own.

    Raises:
        UsageError: no region, a profile that does not exist, or an endpoint that is no URL.
    """
    from deployer.aws.clients import connect  # noqa: PLC0415 - boto3 takes half a second, which --help need not

    return Aws(connect(region, profile, endpoint_url, bucket_owner))
