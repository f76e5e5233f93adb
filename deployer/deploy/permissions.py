"""The permission of a function's role to read what it unpacks from S3: checked before anything changes."""

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


def plan_permission(roles: Roles, role: str, zipped: StoredZip, name: str, *, attach: bool) -> PermissionPlan:
    """Plan how the role may read a zip.

    Args:
        roles: of the account.
        role: ARN.
        zipped: what it is to read.
        name: of the policy that lets it.
        attach: whether the policy may be attached.

    Raises:
        DeniedError: it may not, and the policy may not be attached.
    """
    allowed = roles.may_read(role, zipped.bucket, zipped.key)
    if allowed:
        return PermissionPlan()
    document = policy(role, zipped.bucket, zipped.key)
    if attach:
        return PermissionPlan((AttachPolicy(role, name[:128], document),))
    if allowed is None:
        doubt = f"Whether {role} may read {zipped} could not be found out: without s3:GetObject on it nothing starts."
        return PermissionPlan(warnings=(doubt,))
    raise DeniedError(
        f"The package is over Lambda's limit, so the function would read it from S3 at start, and {role} may not.",
        f"Give --attach-policy, or add this policy to the role: {document}",
    )
