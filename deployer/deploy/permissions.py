"""The permission of a function's role to read what it unpacks from S3: checked before anything changes."""

from collections.abc import Collection
from dataclasses import dataclass

from deployer.aws.roles import Roles, policy
from deployer.deploy.planner import AttachPolicy
from deployer.errors import DeniedError
from deployer.models.function import StoredZip


@dataclass(frozen=True)
class PermissionPlan:
    """What must be done for the role to read a zip."""

    policies: tuple[AttachPolicy, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A zip that a function reads while it runs."""

    zip: StoredZip
    policy: str
    """Name of the policy that lets it, at most 128 characters of it."""
    why: str = "The package is over Lambda's limit, so the function would read it from S3 at start"
    """As the beginning of a sentence."""


def policy_name(function: str, kind: str = "") -> str:
    """Return the name of the policy by which a role reads a function's package, or its ``rest``, or its ``guard``."""
    return f"ldeploy-{function[: 119 - len(kind)]}-{kind}" if kind else f"ldeploy-{function}"[:128]


def plan_permission(
    roles: Roles, role: str, reading: Reading, *, attach: bool, attached: Collection[str] = ()
) -> PermissionPlan:
    """Plan how the role may read a zip.

    Args:
        roles: of the account.
        role: ARN.
        reading: what it is to read.
        attach: whether the policy may be attached.
        attached: names of the policies that ldeploy has attached to the role: the one that is needed stays.

    Raises:
        DeniedError: it may not, and the policy may not be attached.
    """
    zipped, name = reading.zip, reading.policy[:128]
    document = policy(role, zipped.bucket, zipped.key)
    again = name in attached
    allowed = None if again else roles.may_read(role, zipped.bucket, zipped.key)
    if allowed:
        return PermissionPlan()
    if attach or again:
        return PermissionPlan((AttachPolicy(role, name, document),))
    if allowed is None:
        doubt = f"Whether {role} may read {zipped} could not be found out: it needs s3:GetObject on it. {reading.why}."
        return PermissionPlan(warnings=(doubt,))
    raise DeniedError(
        f"{reading.why}, and {role} may not.",
        f"Give --attach-policy, or add this policy to the role: {document}",
    )
