"""Decide where what is dropped can be brought back from: what the role may read, and what the user wants."""

from dataclasses import dataclass, field

from deployer.context import Context
from deployer.deploy.permissions import PermissionPlan, Reading, plan_permission, policy_name
from deployer.flow.models import RedeployRequest
from deployer.instrumentation.manifest import InBucket
from deployer.models.evidence import Evidence
from deployer.models.settings import Guarding
from deployer.models.whitelist import Reason, Whitelist
from deployer.slim.guard import GuardRequest
from deployer.state.state import carried

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's names of architectures -> those of ``uname -m``."""
_WHY = "The guard would read what was dropped from the full package in S3"


@dataclass(frozen=True)
class GuardPlan:
    """How a function will be guarded."""

    request: GuardRequest | None = None
    """None where it will not."""
    permission: PermissionPlan = field(default_factory=PermissionPlan)
    """For the role to read the full package, where it must."""


def plan_guard(context: Context, request: RedeployRequest) -> GuardPlan:
    """Plan the guard of a function.

    ``auto`` takes S3 where the role may read the full package, or may be given permission; else the package itself.

    Raises:
        DeniedError: S3 is wanted, the role may not read the full package, and may not be given permission.
    """
    wanted, full = request.settings.guard, request.full.zip
    if wanted is Guarding.OFF:
        return GuardPlan()
    role, roles = request.layers.configuration.role, context.aws.roles
    name, permission = policy_name(request.found.name, "guard"), PermissionPlan()
    attach, attached = request.delivery.attach_policy, request.begun.policies
    free = wanted is Guarding.AUTO and (attach or name in attached or roles.may_read(role, full.bucket, full.key))
    reads = wanted is Guarding.S3 or bool(free)
    if reads:
        reading = Reading(full, name, _WHY)
        permission = plan_permission(roles, role, reading, attach=attach, attached=attached)
    region = request.found.arn.split(":")[3]
    where = InBucket(full.bucket, full.key, full.etag, full.zip_bytes, region) if reads else None
    probe = request.begun.probe
    label = probe.mark or carried(full.label, probe.nonce)
    machine = MACHINES[request.found.configuration.architecture]
    return GuardPlan(
        GuardRequest(where, (machine,), label, dropped_on_purpose(request.whitelist, request.evidence)), permission
    )


def dropped_on_purpose(whitelist: Whitelist, evidence: Evidence) -> frozenset[str]:
    """Return what a drop rule takes although it was touched: who wants that does not want it back."""
    rules = (path for path, one in whitelist.decisions.items() if one.reason is Reason.RULE_DROP)
    return frozenset(path for path in rules if path in evidence.paths)
