"""The way back: from any state, from any machine, and the nearest to it where something is gone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.code import CheckedCode
from deployer.deploy.executor import Executor
from deployer.errors import ConflictError, MissingError, WorkspaceError
from deployer.flow.models import RestoreRequest
from deployer.flow.recognise import recognise
from deployer.flow.reports import mark_past, restore_report
from deployer.instrumentation.configure import is_armed
from deployer.models.function import Function, StoredZip, package_key
from deployer.report.deployed import AGAIN
from deployer.report.models import RestoreReport
from deployer.state.baseline import is_ours, known_state, of_this_function
from deployer.state.changes import take_over
from deployer.state.stages import Act, Stage
from deployer.state.state import Baseline, Packages, Probe, State

_LEADS_BACK: Final = ("before", "alias")
"""How the names of the state's parts begin that say where restore leads."""


def restore(context: Context, executor: Executor, request: RestoreRequest) -> RestoreReport:
    """Make the function exactly what it was before the last probe or deploy.

    Raises:
        ConflictError: others changed what would be put back, or a part of it is gone; and nobody says what is wanted.
    """
    found = context.aws.functions.get(request.function)
    state = _state(context, executor, request, found)
    cut_off = state.stage in {Stage.SHRINKING, Stage.RESTORING}
    state = _whole(context, executor, request, found, state.after(Act.RESTORE))
    steps = planner.restore(found, state, cut_off=cut_off)
    done = executor.carry_out(context, steps, found)
    if done:
        mark_past(context.workspace, "restored")
    return restore_report(state, steps, done)


def _state(context: Context, executor: Executor, request: RestoreRequest, found: Function) -> State:
    """Return the state, with what others changed since in its baseline; where it is lost, that of a version.

    Raises:
        WorkspaceError: it is lost, and no version tells of the time before ldeploy.
    """
    try:
        state = known_state(found.name, of_this_function(context.workspace.state(), found, context.aws.region))
    except WorkspaceError as error:
        lost = _of_version(context, found)
        if lost is None:
            raise
        version, state = lost
        question = f"{error.what} Its version {version} is from before the probe: code and configuration can be that."
        _ask(executor, question, given=request.nearest)
        return state
    if not is_ours(found, state) and recognise(context, found, state) not in AGAIN:
        text = f"The code of {found.name} was replaced since by somebody else: restore would undo that."
        _ask(executor, text, given=request.over_others, option="--force")
    _check_copies(context, executor, request)
    return _take_over(context, executor, request, found, state)


def _ask(executor: Executor, question: str, *, given: bool, option: str = "--nearest") -> None:
    if not executor.sure(question, given):
        raise ConflictError(question, f"If that is what you want, give {option}.")


def _check_copies(context: Context, executor: Executor, request: RestoreRequest) -> None:
    """Ask where the bucket's state leads elsewhere than this machine's copy: who can write there decides that."""
    differ = context.workspace.differences()
    if not differ:
        return
    text = f"The state in the bucket is not the one written here: {', '.join(differ)} differ."
    context.notices.warn(text)
    if any(name.startswith(_LEADS_BACK) for name in differ):
        _ask(executor, text, given=request.over_others, option="--force")


def _take_over(context: Context, executor: Executor, request: RestoreRequest, found: Function, state: State) -> State:
    """Return the state whose baseline has what others changed since."""
    taken = take_over(state, found.configuration)
    if taken.both:
        names = ", ".join(taken.both)
        text = f"Somebody else changed {names} of {found.name} since, and ldeploy had changed it too: set it by hand."
        _ask(executor, f"{text} Restore puts back what was there before.", given=request.over_others, option="--force")
    theirs = [name for name in taken.theirs if name not in taken.both]
    if theirs:
        context.notices.warn(f"Changed by somebody else since, so it stays: {', '.join(theirs)}.")
    return replace(state, baseline=replace(state.baseline, configuration=taken.keeping(theirs)))


# -- what is gone ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Gone:
    """A part of what was there before that is not there any more, and the nearest to it."""

    what: str
    instead: str
    """Empty where there is nothing near."""
    state: State
    """With the nearest in its place."""


def _whole(context: Context, executor: Executor, request: RestoreRequest, found: Function, state: State) -> State:
    """Return the state with the nearest in the place of what is gone, where the user wants that."""
    gone = []
    for look in (_code, _layers, _alias):
        for one in look(context, found, state):
            gone.append(one)
            state = one.state
    if not gone:
        return state
    what = f"What was there before is not all there any more: {'; '.join(one.what for one in gone)}."
    if any(not one.instead for one in gone):
        raise ConflictError(what, "Put the zip back, or run ldeploy probe or deploy with a package that you have.")
    _ask(executor, f"{what} The nearest: {'; '.join(one.instead for one in gone)}.", given=request.nearest)
    return state


def _code(context: Context, found: Function, state: State) -> Iterator[_Gone]:
    code, full = state.baseline.code, state.packages.full
    if found.code_sha256 == code.sha256 or _holds(context, code):
        return
    if code.sha256 and context.aws.releases.version_with(found.name, code.sha256):
        return
    what = f"{code} was removed or replaced since, and no version of {found.name} holds that code"
    if full != code and _holds(context, full):
        nearest = replace(state, baseline=replace(state.baseline, code=full))
        yield _Gone(what, f"the full package that was probed ({full})", nearest)
    else:
        yield _Gone(what, "", state)


def _holds(context: Context, zipped: StoredZip) -> bool:
    try:
        return CheckedCode(context).holds(zipped)
    except MissingError:  # the bucket itself
        return False


def _layers(context: Context, found: Function, state: State) -> Iterator[_Gone]:
    """Yield each layer version that was deleted: a function keeps what it has, and takes no deleted one anew."""
    if found.configuration.layers == state.baseline.configuration.layers:
        return
    for arn in state.baseline.configuration.layers:
        if context.aws.releases.has_layer(arn):
            continue
        newest = context.aws.releases.newest_layer(arn)
        before = state.baseline.configuration
        layers = tuple(newest if one == arn else one for one in before.layers if newest or one != arn)
        state = replace(state, baseline=replace(state.baseline, configuration=replace(before, layers=layers)))
        yield _Gone(f"the layer {arn} was deleted", newest or f"without {arn}", state)


def _alias(context: Context, found: Function, state: State) -> Iterator[_Gone]:
    baseline = state.baseline
    wanted = {baseline.alias_version, *baseline.alias_weights} if baseline.alias else set()
    if gone := wanted - context.aws.releases.versions(found.name) if wanted else set():
        nearest = replace(state, baseline=replace(baseline, alias_version="", alias_weights={}))
        what = f"the version {', '.join(sorted(gone))}, to which the alias {baseline.alias} led, was deleted"
        yield _Gone(what, f"{baseline.alias} leads to a new version of the code before", nearest)


def _of_version(context: Context, found: Function) -> tuple[str, State] | None:
    """Return a state made of the newest version from before a probe; None where there is none, or no bucket."""
    bucket = context.workspace.bucket
    known = context.aws.releases.noted(found.name, planner.BEFORE)
    clean = [(version, was) for version, was in known if not is_armed(was.configuration)]
    if not (bucket and clean):
        return None
    version, was = clean[-1]
    code = StoredZip(bucket, package_key(found.name, was.code_sha256), was.code_sha256, was.code_size)
    probe = Probe(was.configuration, found.log_group, 0)
    baseline, left = Baseline(was.configuration, code), found.configuration
    return version, State(found.name, Stage.PROBING, bucket, baseline, Packages(code), probe, arn=found.arn, left=left)
