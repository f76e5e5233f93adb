"""Decide what is deployed of a full package while it is probed: itself or, over Lambda's limit, its stub."""

from dataclasses import replace

from deployer.context import Context
from deployer.deploy.permissions import Reading, plan_permission, policy_name
from deployer.deploy.planner import ProbePlan
from deployer.deploy.prune_layers import check_handler, measure_layers
from deployer.deploy.stub import grown, stand_in
from deployer.flow.load_package import LoadedPackage
from deployer.flow.models import ProbeRequest
from deployer.instrumentation.layer_zip import layer_size
from deployer.instrumentation.manifest import InBucket
from deployer.limits import UNZIPPED
from deployer.models.function import StoredZip
from deployer.package import members
from deployer.state.state import State
from deployer.state.workspace import STUB


def plan_probe(context: Context, request: ProbeRequest, full: LoadedPackage, state: State) -> ProbePlan:
    """Plan how the package is deployed, the function's configuration raised to what that needs.

    Raises:
        PackageError: it does not hold the handler.
        OverLimitError: it is bigger than /tmp can be.
        DeniedError: the role may not read it, and no policy may be attached.
    """
    aws = context.aws
    check_handler(aws, full.package, state.probe.configuration)
    layers = measure_layers(aws, state.probe.configuration).bytes + layer_size()
    uploads = {full.zip.key: full.upload} if full.upload else {}
    if full.package.bytes + layers < UNZIPPED:  # "must be smaller than 262144000 bytes"
        return ProbePlan(state, uploads)
    probed = grown(
        state.probe.configuration, state.baseline.configuration, full.package, request.memory, request.timeout
    )
    reading = Reading(full.zip, policy_name(state.function))
    permission = plan_permission(aws.roles, state.probe.configuration.role, reading, attach=request.attach_policy)
    path = context.workspace.path(STUB)
    place = InBucket(full.zip.bucket, full.zip.key, full.zip.etag, full.zip.zip_bytes, aws.region)
    stub = StoredZip.of(stand_in(full.package, place, _digests(context, full), path), state.bucket, state.function)
    before = stub if state.baseline.code == full.zip else state.baseline.code  # a function to be made was never before
    named = tuple({*state.policies, *(policy.name for policy in permission.policies)})
    stubbed = replace(
        state,
        probe=replace(state.probe, configuration=probed),
        packages=replace(state.packages, stub=stub),
        baseline=replace(state.baseline, code=before),
        policies=named,
        left=probed,
    )
    return ProbePlan(stubbed, {**uploads, stub.key: path}, permission.policies, permission.warnings)


def _digests(context: Context, full: LoadedPackage) -> dict[str, bytes]:
    """Return what each file of the package must be: its zip is read once as a whole, also where it lies in S3."""
    with context.notices.bar("hashing the package", full.package.zip_bytes) as advance:
        return members.digests(full.source, full.package, advance)
