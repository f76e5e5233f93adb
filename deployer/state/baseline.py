"""What was there before the probe: found out once, and kept through runs that were cut off."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from deployer.errors import ConflictError, MissingError, WorkspaceError
from deployer.instrumentation.configure import disarm, is_by_template, unfitted, unprobed
from deployer.instrumentation.layer_zip import UNLABELLED
from deployer.models.function import Configuration, Function, StoredZip, package_key
from deployer.models.package import Package
from deployer.state.state import Probed, Stage, State

UNDER_WAY = frozenset({Stage.PROBING, Stage.PROBED, Stage.SHRINKING, Stage.RESTORING})
"""Stages in which the function may carry ldeploy's own changes."""


def begin(  # noqa: PLR0913, PLR0917
    name: str,
    bucket: str,
    found: Function | None,
    earlier: State | None,
    created: Configuration | None,
    full: StoredZip,
    now: int,
    *,
    probing: bool = True,
) -> State:
    """The state that a probe begins with: what was before, and the full package.

    Args:
        name: of the function.
        bucket: where ldeploy keeps its own.
        found: the function, or None where it is to be created.
        earlier: the state that an earlier run left, if any.
        created: the configuration of a function to be created.
        full: the full package.
        now: milliseconds since 1970.
        probing: whether the probe goes in; without it, a package that was never probed has no records.

    Raises:
        MissingError: there is no such function, and none is to be created.
    """
    serial = earlier.serial if earlier else 0
    times = _probed(found, earlier, full, now)
    since = min((one.since for one in times if one.key == full.label), default=now if probing else 0)
    others = tuple(one for one in times if one.key != full.label)
    if found is None:
        if created is None:
            raise MissingError(
                f"There is no function {name} here.",
                "Check the name, --region and --profile, or make it with --create.",
            )
        log_group = f"/aws/lambda/{name}"
        begun = State(name, Stage.PROBING, bucket, created, full, full, log_group, since, created, serial=serial)
        return replace(begun, earlier=others)
    present = disarm(found.configuration)
    pruned = earlier.pruned if earlier else {}
    probed = with_whole_layers(unfitted(present), pruned)
    known = earlier.layers_since if earlier else {}
    layers = {arn: known.get(arn, now) for arn in probed.layers} if probing else known
    under_way = earlier if earlier and earlier.stage in UNDER_WAY else None
    if under_way and is_ours(found, under_way):
        begun = replace(under_way, stage=Stage.PROBING, full=full, slim=None, stub=None, probed_at=since, probed=probed)
        begun = replace(begun, earlier=others, layers_since=layers, mark="")
        return begun if under_way.full.label == full.label else replace(begun, events="", answers={})
    if under_way:  # somebody else's code, and still the memory and time of the probe
        present = unprobed(found.configuration, under_way.before, under_way.probed)
        probed = with_whole_layers(present, pruned)
    code = StoredZip(bucket, package_key(found.name, found.code_sha256), found.code_sha256, found.code_size)
    begun = State(name, Stage.PROBING, bucket, present, code, full, found.log_group, since, probed, serial=serial)
    return replace(begun, earlier=others, pruned=pruned, layers_since=layers, arn=found.arn)


def with_whole_layers(configuration: Configuration, pruned: Mapping[str, str]) -> Configuration:
    """The configuration with the user's own layers in the place of those that were pruned."""
    return replace(configuration, layers=tuple(pruned.get(arn, arn) for arn in configuration.layers))


def seen_layers(state: State, until: str) -> frozenset[str]:
    """The layers of which a sandbox may have told: those that a probe began with before the last record.

    Args:
        state: of the function.
        until: when the last record was written, RFC 3339, or empty.
    """
    last = datetime.fromisoformat(until).timestamp() * 1000 if until else 0
    return frozenset(arn for arn, since in state.layers_since.items() if since <= last)


def _probed(found: Function | None, earlier: State | None, full: StoredZip, now: int) -> list[Probed]:
    """Every time with the probe in so far: those of earlier probes, and a template's with this very package."""
    known = list(earlier.earlier) if earlier else []
    if earlier and earlier.probed_at:
        known.append(Probed(earlier.full.label, earlier.log_group, earlier.probed_at, now, earlier.mark))
    if found and is_by_template(found.configuration) and found.code_sha256 == full.sha256:
        known.append(_by_template(found, full, now))
    return known


def _by_template(found: Function, full: StoredZip, now: int) -> Probed:
    """A template's probe: since the function was changed last, its records are of the code that it has now."""
    return Probed(full.label, found.log_group, found.modified, now, UNLABELLED)


def taken_over(found: Function, bucket: str, known: State | None, full: StoredZip, now: int) -> State:
    """The state of a function that a template put the probe into.

    Args:
        found: the function.
        bucket: where ldeploy is to keep its own.
        known: the state that an earlier run left, if any.
        full: its present code.
        now: milliseconds since 1970.
    """
    begun = begin(found.name, bucket, found, known, None, full, now)
    mine = _by_template(found, full, now)
    others = tuple(one for one in _probed(None, known, full, now) if one.key != mine.key)
    begun = replace(begun, stage=Stage.PROBED, mark=mine.mark, probed_at=mine.since, earlier=others)
    return replace(begun, layers_since=dict.fromkeys(begun.layers_since, mine.since))


def deployed(found: Function, state: State) -> StoredZip:
    """The zip in S3 that is deployed; ``is_ours`` holds."""
    known = (state.full, state.stub, state.slim, state.before_code)
    return next(zipped for zipped in known if zipped and holds(found, zipped))


def is_ours(found: Function, state: State) -> bool:
    """Whether the code that is deployed is one that the state knows."""
    return any(holds(found, known) for known in (state.before_code, state.full, state.stub, state.slim) if known)


def holds(found: Function, known: StoredZip) -> bool:
    """Whether the function's code is this zip; by its size alone while its hash is not known."""
    if known.sha256:
        return found.code_sha256 == known.sha256
    return found.code_size == known.zip_bytes


def probed_state(found: Function, known: State | None) -> State:
    """The state of a function that can be shrunk.

    Raises:
        WorkspaceError: it was never probed, or restored since, or its probe was cut off.
        ConflictError: its code was replaced since by somebody else.
    """
    state = known_state(found.name, known)
    if state.stage in {Stage.RESTORED, Stage.RESTORING}:
        raise WorkspaceError(
            f"{found.name} was restored to what it was before the probe.", "Run ldeploy probe again first."
        )
    if state.stage is Stage.PROBING:
        raise WorkspaceError(f"The probe of {found.name} was cut off.", "Run the same ldeploy probe again first.")
    if not any(holds(found, zipped) for zipped in (state.probe_code, state.slim) if zipped):
        raise ConflictError(
            f"The code of {found.name} was replaced since the probe: its evidence is of another package.",
            "Run ldeploy probe with the new package, or ldeploy deploy to slim it by the whitelist there is.",
        )
    return state


def of_this_function(state: State | None, found: Function | None, region: str) -> State | None:
    """The state, if it is of the function that is meant, or of none.

    Args:
        state: what an earlier run left.
        found: the function, or None where it is to be created.
        region: where we are.

    Raises:
        WorkspaceError: it is of a function of that name in another region or account.
    """
    if state is None or not state.arn:
        return state
    if state.arn == found.arn if found else f":{region}:" in state.arn:
        return state
    raise WorkspaceError(
        f"What an earlier run left here is of another function of that name, {state.arn}.",
        "Give --region and --profile as then, or run ldeploy in a folder and with a bucket for this one.",
    )


def check_probed(package: Package, state: State) -> None:
    """Whether what lies at the full package's place is what was probed.

    Raises:
        ConflictError: somebody put another zip there.
    """
    if package.label != state.full.label:
        raise ConflictError(
            f"{state.full} is another package than the one that was probed.",
            "Put that one back, or run ldeploy probe with this one.",
        )


def known_state(name: str, state: State | None) -> State:
    """The state, where there is one.

    Raises:
        WorkspaceError: nothing is known of this function here.
    """
    if state is None:
        raise WorkspaceError(
            f"Nothing is known of {name} here: it was not probed from this folder.",
            "Run ldeploy probe first, or give the --bucket that it was probed with.",
        )
    return state
