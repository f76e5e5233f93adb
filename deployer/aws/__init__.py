"""The only place that talks to AWS: one account, one region, one endpoint.

The endpoint may be AWS itself or the AWS on this machine; nothing here knows which.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.aws.clients import Clients, connect
from deployer.aws.functions import Functions
from deployer.aws.insights import Insights
from deployer.aws.logs import Logs
from deployer.aws.roles import Roles
from deployer.aws.stacks import Stacks
from deployer.aws.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Aws", "Functions", "Insights", "Logs", "Roles", "Stacks", "Storage", "open_aws"]


@dataclass(frozen=True)
class Aws:
    """What ldeploy may do in AWS, by service."""

    functions: Functions
    storage: Storage
    logs: Logs
    insights: Insights
    roles: Roles
    stacks: Stacks
    account: "Callable[[], str]"
    region: str


def open_aws(region: str | None, profile: str | None, endpoint_url: str | None) -> Aws:
    """Connect; for None, take what boto3 takes: its variables, its files, the role.

    Raises:
        UsageError: no region, or a profile that does not exist.
    """
    clients: Clients = connect(region, profile, endpoint_url)
    return Aws(
        functions=Functions(clients.functions),
        storage=Storage(clients.storage),
        logs=Logs(clients.logs),
        insights=Insights(clients.logs),
        roles=Roles(clients.roles),
        stacks=Stacks(clients.stacks),
        account=clients.account,
        region=clients.region,
    )
