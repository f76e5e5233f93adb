"""Take away what ldeploy made and nobody needs; what a way back needs never goes."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from deployer.context import Context
from deployer.deploy import leftovers
from deployer.deploy.executor import Executor
from deployer.deploy.planner import Delete, DetachPolicy, DropTrial, Steps
from deployer.deploy.trial import NOTE, trial_name
from deployer.errors import CloudError, LdeployError, WorkspaceError
from deployer.instrumentation.manifest import FOLDER
from deployer.models.function import PREFIX, function_key
from deployer.models.package import Kind
from deployer.package import index
from deployer.package.members import unpacked
from deployer.report.clean_report import CleanReport
from deployer.state.baseline import known_state, of_this_function
from deployer.state.stages import Stage
from deployer.state.state import State

_DONE = frozenset({Stage.PROBED, Stage.SHRUNK, Stage.RESTORED})
_LAYERS = "ldeploy-"


@dataclass
class _Found:
    """What is to go, and what could not be looked up."""

    steps: list[Delete | DetachPolicy | DropTrial] = field(default_factory=list)
    bytes: int = 0
    warnings: list[str] = field(default_factory=list)


def clean(context: Context, executor: Executor, function: str) -> CleanReport:
    """Delete what ldeploy made for a function and nobody needs.

    Raises:
        WorkspaceError: nothing is known of the function here, or a command on it was cut off.
    """
    found = context.aws.functions.get(function)
    state = known_state(function, of_this_function(context.workspace.state(), found, context.aws.region))
    if state.stage not in _DONE:
        raise WorkspaceError(
            f"{function} is {state.stage}: a command on it was cut off, or is still at work.",
            "Run that again, end it with ldeploy shift, or ldeploy restore; clean after that.",
        )
    seen = _look(context, state)
    steps: Steps = tuple(seen.steps)
    done = executor.carry_out(context, steps, found) if steps else None
    return _report(function, seen, "cleaned" if done or not steps else "planned")


def _look(context: Context, state: State) -> _Found:
    """Look for what may go; what may not be looked up stays, with all that hangs on it."""
    seen, left = _Found(), context.aws.leftovers
    gone = _versions(context, state, seen)
    for look in (_layers, _zips, _policies):
        try:
            look(context, state, gone, seen)
        except LdeployError as error:
            seen.warnings.append(f"Not looked for, so it stays: {error}")
    if left.has_function(trial_name(state.function), NOTE.format(state.function)):
        seen.steps.append(DropTrial(state.function))
    return seen


def _versions(context: Context, state: State, seen: _Found) -> frozenset[str]:
    """Find the versions that go; return their numbers."""
    name, left = state.function, context.aws.leftovers
    try:
        versions, aliases = tuple(left.versions(name)), context.aws.releases.aliases(name)
        known = {*aliases, *(one.number for one in versions)}
        provisioned = context.aws.releases.provisioned(name, known)
        gone = leftovers.versions_to_go(leftovers.Seen(state, versions, aliases, provisioned))
        going = [one for one in gone if not left.is_called(name, one.number)]
    except CloudError as error:
        seen.warnings.append(f"Versions stay: {error}")
        return frozenset()
    seen.steps += [Delete("version", one.number, name, one.note) for one in going]
    return frozenset(one.number for one in going)


def _layers(context: Context, state: State, gone: Collection[str], seen: _Found) -> None:
    left = context.aws.leftovers
    used = left.layers_in_use((state.function, set(gone)))
    going = leftovers.layers_to_go(list(left.layers(_LAYERS)), used, context.now())
    seen.steps += [Delete("layer version", one.arn, "", f"{one.note}; no function uses it") for one in going]


def _zips(context: Context, state: State, gone: Collection[str], seen: _Found) -> None:
    """Find the zips that neither the state names nor any version reads that stays."""
    left, name = context.aws.leftovers, state.function
    keys = left.keys(state.bucket, function_key(name, ""))
    if not leftovers.zips_to_go(state, keys, ()):
        return
    codes = {one.sha256: one for one in left.versions(name) if one.number not in gone}
    read = {key for one in codes.values() for key in _keys_read(context, name, one.number, one.bytes)}
    for key, size in leftovers.zips_to_go(state, keys, read):
        seen.steps.append(Delete("object", key, state.bucket, "no state names it"))
        seen.bytes += size


def _keys_read(context: Context, name: str, version: str, size: int) -> set[str]:
    """Return the keys of ours that a version's code names: its manifest, and its guard's index."""
    url = context.aws.functions.code_url(name, version)
    source = context.aws.storage.url(url, size, f"the code of version {version} of {name}")
    entries = [entry for path, entry in index(source).entries.items() if path.startswith(f"{FOLDER}/")]
    small = [one for one in entries if one.kind is Kind.FILE and not one.path.endswith((".pack", ".zip"))]
    small.sort(key=lambda one: one.offset)  # they are read in one go
    pattern = rb"%b/functions/[\w-]+/[0-9a-f]{64}\.zip" % PREFIX.encode()
    return {key.decode() for _, content in unpacked(source, small) for key in re.findall(pattern, content)}


def _policies(context: Context, state: State, _: Collection[str], seen: _Found) -> None:
    role, folder = state.baseline.configuration.role, function_key(state.function, "")
    names = leftovers.policies_of_ours(state.function) - set(state.policies)
    found = context.aws.leftovers.policies(role, names, f"/{folder}")
    seen.steps += [DetachPolicy(role, name) for name in found]


def _report(function: str, seen: _Found, state: str) -> CleanReport:
    deleted = {
        kind: tuple(
            f"s3://{one.where}/{one.what}" if kind == "object" else one.what
            for one in seen.steps
            if isinstance(one, Delete) and one.kind == kind
        )
        for kind in ("version", "layer version", "object")
    }
    return CleanReport(
        function,
        state,
        deleted["version"],
        deleted["layer version"],
        deleted["object"],
        seen.bytes,
        tuple(one.name for one in seen.steps if isinstance(one, DetachPolicy)),
        tuple(trial_name(one.function) for one in seen.steps if isinstance(one, DropTrial)),
        tuple(map(str, seen.steps)),
        tuple(seen.warnings),
    )
