"""What is deployed of a full package while it is probed: itself or, where it is over Lambda's limit, its stub."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.aws.roles import policy
from deployer.errors import DeniedError
from deployer.function import State, StoredZip, package_key
from deployer.intake import Taken
from deployer.layer import layer_size
from deployer.layering import layer_bytes
from deployer.limits import UNZIPPED
from deployer.manifest import InBucket
from deployer.plan import AttachPolicy
from deployer.run import ProbeWanted, Run
from deployer.stub import grown, stand_in
from deployer.workspace import STUB


@dataclass(frozen=True)
class Placed:
    """A full package as it will be probed."""

    state: State
    uploads: Mapping[str, Path]
    """Key of each zip that comes from this machine -> where it is."""
    policy: AttachPolicy | None = None
    """What the function's role needs to read it."""
    warnings: tuple[str, ...] = ()


def placed(run: Run, wanted: ProbeWanted, full: Taken, state: State) -> Placed:
    """The package as it is deployed, the function's configuration raised to what that needs.

    Raises:
        PackageError: it does not hold the handler.
        OverLimitError: it is bigger than /tmp can be.
        DeniedError: the role may not read it, and is not to be given leave.
    """
    layering = run.layering(state.bucket)
    layering.check_handler(full.package, state.probed)
    layers = layer_bytes(layering.as_they_are(state.probed)) + layer_size()
    uploads = {full.zip.key: full.upload} if full.upload else {}
    if full.package.bytes + layers < UNZIPPED:  # "must be smaller than 262144000 bytes"
        return Placed(state, uploads)
    probed = grown(state.probed, state.before, full.package, wanted.memory, wanted.timeout)
    leave = _leave(run, wanted, full, state)
    path = run.workspace.path(STUB)
    place = InBucket(full.zip.bucket, full.zip.key, full.etag, full.zip.zip_bytes, run.aws.region)
    made = stand_in(full.package, place, path)
    stub = StoredZip(state.bucket, package_key(made.sha256), made.sha256, made.zip_bytes, made.bytes, made.files)
    before = stub if state.before_code == full.zip else state.before_code  # a function to be made was never before
    named = leave.policy.name if leave.policy else state.policy
    stubbed = replace(state, probed=probed, stub=stub, before_code=before, policy=named)
    return replace(leave, state=stubbed, uploads={**uploads, stub.key: path})


def _leave(run: Run, wanted: ProbeWanted, full: Taken, state: State) -> Placed:
    """Whether the function's role may read the package, known before anything changes."""
    role, zipped = state.probed.role, full.zip
    allowed = run.aws.roles.may_read(role, zipped.bucket, zipped.key)
    if allowed:
        return Placed(state, {})
    document = policy(role, zipped.bucket, zipped.key)
    if wanted.attach_policy:
        return Placed(state, {}, AttachPolicy(role, f"ldeploy-{state.function}"[:128], document))
    if allowed is None:
        doubt = f"Whether {role} may read {zipped} could not be found out: without s3:GetObject on it nothing starts."
        return Placed(state, {}, warnings=(doubt,))
    raise DeniedError(
        f"The package is over Lambda's limit, so the function would read it at start, and {role} may not.",
        f"Give --attach-policy, or add this policy to the role: {document}",
    )
