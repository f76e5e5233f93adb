"""What was there before ldeploy: found out once, and kept for as long as what is deployed is ldeploy's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from deployer.errors import ConflictError, MissingError, WorkspaceError
from deployer.instrumentation.configure import disarm, is_armed, is_by_template, unprobed, without_ours
from deployer.instrumentation.layer_zip import PACKAGE_VARIABLE
from deployer.models.function import Configuration, Function, StoredZip, package_key
from deployer.models.package import Package
from deployer.state.changes import take_over
from deployer.state.stages import OURS, Act, Stage, allowed
from deployer.state.state import Baseline, Packages, Probe, ProbePeriod, Recorded, State


@dataclass(frozen=True)
class Beginning:
    """What a probe or a deployment begins with."""

    function: str
    bucket: str
    """Where ldeploy keeps its own."""
    full: StoredZip
    create: Configuration | None = None
    """Configuration of a function to be created."""
    probing: bool = True
    """Whether the probe goes in; without it, a package that was never probed has no records."""
    nonce: str = ""
    """Drawn for the records of this deployment, where the package has none yet."""


def begin(start: Beginning, found: Function | None, earlier: State | None, now: int) -> State:
    """Return the state that a probe or a deployment begins with: what was there before, and the full package.

    Args:
        start: what is wanted.
        found: the function, or None where it is to be created.
        earlier: the state that an earlier run left, if any.
        now: milliseconds since 1970.

    Raises:
        MissingError: there is no such function, and none is to be created.
        WorkspaceError: it carries a probe that was put in from elsewhere.
    """
    periods = _periods(found, earlier, start.full, now)
    mine = _own(periods, start, now)
    others = tuple(one for one in periods if one.key != mine.key)
    serial = earlier.serial if earlier else 0
    if found is None:
        return replace(_of_new(start, mine, serial), earlier=others)
    if earlier is None and is_armed(found.configuration) and not is_by_template(found.configuration):
        raise WorkspaceError(
            f"{found.name} carries a probe that was put in from another folder and bucket.",
            "Give the --bucket that it was probed with: what was there before is known there.",
        )
    baseline, bare = _baseline(start, found, earlier)
    known = earlier.probe.layers_since if earlier else {}
    layers = {arn: known.get(arn, now) for arn in bare.layers} if start.probing else known
    kept = earlier if earlier and _is_under_way(found, earlier) else None
    probe = Probe(bare, found.log_group, mine.since, layers_since=layers, nonce=mine.nonce)
    packages = Packages(start.full, earlier=kept.packages.replaced if kept else ())
    begun = State(start.function, Stage.PROBING, start.bucket, baseline, packages, probe, left=bare)
    begun = replace(begun, serial=serial, earlier=others, arn=found.arn, pruned=earlier.pruned if earlier else {})
    if kept:
        begun = replace(
            begun, bucket=kept.bucket, policies=kept.policies, probe=replace(probe, sample=kept.probe.sample)
        )
        begun = replace(begun, recorded=kept.recorded if kept.packages.full.label == start.full.label else Recorded())
    return begun


def _own(periods: list[ProbePeriod], start: Beginning, now: int) -> ProbePeriod:
    """Return the package's time with a probe of ours in: it goes on with the nonce that its records carry already."""
    label = start.full.label
    own = [one for one in periods if one.label == label and not one.mark and (one.nonce or not start.nonce)]
    fresh = ProbePeriod(label, "", now if start.probing else 0, now, nonce=start.nonce)
    mine = own[-1] if own else fresh
    return replace(mine, since=min((one.since for one in own if one.key == mine.key), default=mine.since))


def _of_new(start: Beginning, mine: ProbePeriod, serial: int) -> State:
    """Return the state of a function that is to be created: the full package was there before."""
    if start.create is None:
        raise MissingError(
            f"There is no function {start.function} here.",
            "Check the name, --region and --profile, or make it with --create.",
        )
    probe = Probe(start.create, f"/aws/lambda/{start.function}", mine.since, nonce=mine.nonce)
    baseline, packages = Baseline(start.create, start.full), Packages(start.full)
    return State(
        start.function, Stage.PROBING, start.bucket, baseline, packages, probe, serial=serial, left=start.create
    )


def _is_under_way(found: Function, earlier: State) -> bool:
    return earlier.stage in OURS and is_ours(found, earlier)


def _baseline(start: Beginning, found: Function, earlier: State | None) -> tuple[Baseline, Configuration]:
    """Return what was there before, and the present configuration without what ldeploy put into it."""
    pruned = earlier.pruned if earlier else {}
    bare = with_whole_layers(without_ours(found.configuration), pruned)
    if earlier and _is_under_way(found, earlier):
        return replace(earlier.baseline, configuration=before_ours(earlier, found)), bare
    present = disarm(found.configuration)
    if earlier and earlier.stage in OURS:  # somebody else's code, and still the memory and time of the probe
        present = unprobed(found.configuration, earlier.baseline.configuration, earlier.probe.configuration)
        bare = with_whole_layers(present, pruned)
    code = StoredZip(start.bucket, package_key(found.name, found.code_sha256), found.code_sha256, found.code_size)
    return Baseline(present, code), bare


def before_ours(state: State, found: Function) -> Configuration:
    """Return the configuration before ldeploy, with what others have changed since."""
    return take_over(state, found.configuration).configuration


def with_whole_layers(configuration: Configuration, pruned: Mapping[str, str]) -> Configuration:
    """Return the configuration with the user's own layers in the place of those that were pruned."""
    return replace(configuration, layers=tuple(pruned.get(arn, arn) for arn in configuration.layers))


def seen_layers(state: State, until: str) -> frozenset[str]:
    """Return the layers of which a sandbox may have told: those that a probe began with before the last record.

    Args:
        state: of the function.
        until: when the last record was written, RFC 3339, or empty.
    """
    last = datetime.fromisoformat(until).timestamp() * 1000 if until else 0
    return frozenset(arn for arn, since in state.probe.layers_since.items() if since <= last)


def _periods(found: Function | None, earlier: State | None, full: StoredZip, now: int) -> list[ProbePeriod]:
    """Return every time with the probe in so far: those of earlier probes, and a template's with this very package."""
    known = list(earlier.earlier) if earlier else []
    if earlier and earlier.probe.since:
        probe = earlier.probe
        label = earlier.packages.full.label
        known.append(ProbePeriod(label, probe.log_group, probe.since, now, probe.mark, probe.nonce))
    if found and is_by_template(found.configuration) and found.code_sha256 == full.sha256:
        known.append(_by_template(found, full, now))
    return known


def _by_template(found: Function, full: StoredZip, now: int) -> ProbePeriod:
    """Return the time of a template's probe: since the function's last change, records are of its present code."""
    mark = found.configuration.environment[PACKAGE_VARIABLE]
    return ProbePeriod(full.label, found.log_group, found.modified, now, mark)


def taken_over(found: Function, bucket: str, known: State | None, full: StoredZip, now: int) -> State:
    """Return the state of a function that a template put the probe into.

    Args:
        found: the function.
        bucket: where ldeploy is to keep its own.
        known: the state that an earlier run left, if any.
        full: its present code.
        now: milliseconds since 1970.
    """
    begun = begin(Beginning(found.name, bucket, full), found, known, now)
    mine = _by_template(found, full, now)
    others = tuple(one for one in _periods(None, known, full, now) if one.key != mine.key)
    layers = dict.fromkeys(begun.probe.layers_since, mine.since)
    probe = replace(begun.probe, mark=mine.mark, nonce="", since=mine.since, layers_since=layers)
    return replace(begun.after(Act.PROBE_DONE), probe=probe, earlier=others)


def deployed(found: Function, state: State) -> StoredZip | None:
    """Return the zip in S3 that is deployed, or None where it is one that the state does not know."""
    packages = state.packages
    known = (packages.full, packages.stub, packages.slim, state.baseline.code, *packages.earlier)
    return next((zipped for zipped in known if zipped and holds(found, zipped)), None)


def is_ours(found: Function, state: State) -> bool:
    """Return whether the code that is deployed is one that the state knows."""
    return deployed(found, state) is not None


def holds(found: Function, known: StoredZip) -> bool:
    """Return whether the function's code is this zip; by its size alone while its hash is not known."""
    if known.sha256:
        return found.code_sha256 == known.sha256
    return found.code_size == known.zip_bytes


def probed_state(found: Function, known: State | None) -> State:
    """Return the state of a function that can be shrunk.

    Raises:
        WorkspaceError: it was never probed, or restored since, or its probe was cut off.
        ConflictError: its code was replaced since by somebody else.
    """
    state = known_state(found.name, known)
    if not allowed(state.stage, Act.SHRINK):
        if state.stage is Stage.PROBING:
            raise WorkspaceError(f"The probe of {found.name} was cut off.", "Run the same ldeploy probe again first.")
        raise WorkspaceError(
            f"{found.name} was restored to what it was before the probe.", "Run ldeploy probe again first."
        )
    ours = (state.packages.probed, state.packages.slim, *state.packages.earlier)
    if not any(holds(found, zipped) for zipped in ours if zipped):
        raise ConflictError(
            f"The code of {found.name} was replaced since the probe: its evidence is of another package.",
            "Run ldeploy probe with the new package, or ldeploy deploy to slim it by the whitelist there is.",
        )
    return state


def of_this_function(state: State | None, found: Function | None, region: str) -> State | None:
    """Return the state, if it is of the function that is meant, or of none.

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
    """Check that what lies at the full package's place is what was probed.

    Raises:
        ConflictError: somebody put another zip there.
    """
    if package.label != state.packages.full.label:
        raise ConflictError(
            f"{state.packages.full} is another package than the one that was probed.",
            "Put that one back, or run ldeploy probe with this one.",
        )


def known_state(name: str, state: State | None) -> State:
    """Return the state, where there is one.

    Raises:
        WorkspaceError: nothing is known of this function here.
    """
    if state is None:
        raise WorkspaceError(
            f"Nothing is known of {name} here: it was not probed from this folder.",
            "Run ldeploy probe first, or give the --bucket that it was probed with.",
        )
    return state
