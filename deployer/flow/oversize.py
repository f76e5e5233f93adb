"""What is deployed of a full package while it is probed: itself or, where it is over Lambda's limit, its stub."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.context import ProbeWanted, Run
from deployer.deploy.permissions import Leave, leave
from deployer.deploy.prune_layers import layer_bytes
from deployer.deploy.stub import grown, stand_in
from deployer.flow.load_package import Taken
from deployer.instrumentation.layer_zip import layer_size
from deployer.instrumentation.manifest import InBucket
from deployer.limits import UNZIPPED
from deployer.models.function import StoredZip, package_key
from deployer.package import members
from deployer.state.state import State
from deployer.state.workspace import STUB


@dataclass(frozen=True)
class Placed:
    """A full package as it will be probed."""

    state: State
    uploads: Mapping[str, Path]
    """Key of each zip that comes from this machine -> where it is."""
    leave: Leave = field(default_factory=Leave)
    """For the function's role to read it."""


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
    name = f"ldeploy-{state.function}"
    given = leave(run.aws.roles, state.probed.role, full.zip, name, attach=wanted.attach_policy)
    path = run.workspace.path(STUB)
    place = InBucket(full.zip.bucket, full.zip.key, full.etag, full.zip.zip_bytes, run.aws.region)
    made = stand_in(full.package, place, _digests(run, full), path)
    stub = StoredZip(state.bucket, package_key(made.sha256), made.sha256, made.zip_bytes, made.bytes, made.files)
    before = stub if state.before_code == full.zip else state.before_code  # a function to be made was never before
    named = tuple({*state.policies, *(policy.name for policy in given.policies)})
    stubbed = replace(state, probed=probed, stub=stub, before_code=before, policies=named)
    return Placed(stubbed, {**uploads, stub.key: path}, given)


def _digests(run: Run, full: Taken) -> dict[str, bytes]:
    """Return what each file of the package must be: its zip is read once as a whole, also where it lies in S3."""
    with run.notices.bar("hashing the package", full.package.zip_bytes) as advance:
        return members.digests(full.source, full.package, advance)
