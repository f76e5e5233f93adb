"""A shift of traffic: seen through, taken up where a run was cut off, finished or taken back by hand."""

from dataclasses import dataclass, replace

from deployer.context import Context
from deployer.deploy import shift_plan
from deployer.deploy.execution import Execution
from deployer.deploy.executor import Executor
from deployer.deploy.planner import ShareAlias, Steps
from deployer.errors import BusyError, ConflictError, TrialFailedError, WorkspaceError
from deployer.evidence.verdict import Judgement, Verdict
from deployer.flow.since import rfc3339
from deployer.flow.watch import Watch
from deployer.models.function import Configuration, Function, Routing
from deployer.report import models
from deployer.report import store as reports
from deployer.report.shift_report import ShiftReport
from deployer.state.baseline import is_ours, known_state, of_this_function
from deployer.state.changes import take_over
from deployer.state.shift import Shift
from deployer.state.stages import Stage
from deployer.state.state import State
from deployer.state.workspace import DEPLOYED, REPORT, SHIFT_REPORT, SHIFT_WHITELIST


@dataclass(frozen=True)
class UnderWay:
    """A shift under way, as it is found."""

    found: Function
    state: State
    shift: Shift

    @property
    def go_on(self) -> Steps:
        """The plan by which all of the traffic goes to the new version."""
        return shift_plan.go_on(self.found, self.state, self.shift)

    @property
    def go_back(self) -> Steps:
        """The plan that leads back to what was before."""
        return shift_plan.go_back(self.found, self.state, self.shift, self._wanted())

    def _wanted(self) -> Configuration | None:
        """Return the configuration before, with what others changed since; None where the code is another's."""
        if not is_ours(self.found, self.state):
            return None
        baseline = replace(self.state.baseline, configuration=self.shift.configuration)
        return take_over(replace(self.state, baseline=baseline), self.found.configuration).configuration


def under_way(context: Context, function: str) -> UnderWay | None:
    """Return the function's shift, or None where none is under way.

    Raises:
        WorkspaceError: its record is gone.
    """
    found = context.aws.functions.get(function)
    state = of_this_function(context.workspace.state(), found, context.aws.region)
    if state is None or state.stage is not Stage.SHIFTING:
        return None
    shift = context.workspace.shift(state.bucket)
    if shift is None:
        raise WorkspaceError(
            f"What the shift of {function} leads back to is not in s3://{state.bucket} any more.",
            "ldeploy restore leads to what was there before ldeploy.",
        )
    return UnderWay(found, state, shift)


def check_none_under_way(context: Context, function: str) -> None:
    """Check that no traffic of the function is being shifted.

    Raises:
        ConflictError: it is.
    """
    state = context.workspace.state()
    if state and state.stage is Stage.SHIFTING and context.aws.functions.find(function):
        raise ConflictError(
            f"Traffic of {function} is being shifted to a new version.",
            f"End that first: ldeploy shift finish {function}, or ldeploy shift back {function}.",
        )


def _the_shift(context: Context, function: str) -> UnderWay:
    one = under_way(context, function)
    if one:
        return one
    state = known_state(function, context.workspace.state())
    raise WorkspaceError(f"No traffic of {function} is being shifted: it is {state.stage}.", "See ldeploy status.")


# -- seen through ------------------------------------------------------------------------------------------------


def see_through(context: Context, executor: Executor, function: str) -> str:
    """Watch a shift until its end, and end it; return on what grounds all of the traffic goes to the new version.

    Others may end it meanwhile: nothing is locked while this waits.

    Raises:
        TrialFailedError: it was taken back.
        ConflictError: somebody else changed the alias.
    """
    one = _the_shift(context, function)
    watch = Watch(context, one.found.log_group, one.shift)
    try:
        while True:
            judgement = watch.look_or_wait()
            if judgement.verdict is not Verdict.WAIT and _ended(context, executor, one, judgement):
                return judgement.why
            left = one.shift.until - context.now()
            with context.workspace.unlocked():
                context.sleep(max(0, min(watch.interval, left)) / 1000)
            if (now := under_way(context, function)) is None:
                return _ended_elsewhere(context, function)
            one = now
    except KeyboardInterrupt:
        context.notices.say("the shift is taken back")
        _carry_out(context, executor, _the_shift(context, function), forward=False)
        raise


def _ended(context: Context, executor: Executor, one: UnderWay, judgement: Judgement) -> bool:
    """End the shift as the judgement says; return False where another command works on the function just now.

    Raises:
        TrialFailedError: it was taken back.
    """
    too_few = judgement.verdict is Verdict.TOO_FEW
    forward = judgement.verdict is Verdict.FINISH or (too_few and one.shift.canary.too_few == "finish")
    try:
        _carry_out(context, executor, one, forward=forward)
    except BusyError:
        context.sleep(1)
        return False
    if forward:
        return True
    raise TrialFailedError(
        f"{judgement.why} All of the traffic of the alias {one.shift.alias} of {one.found.name} goes to "
        f"{one.shift.old} again, and $LATEST is as before.",
        "Give a longer --for or a bigger --canary, or --too-few finish."
        if too_few
        else f"See the log of version {one.shift.version}; keep what it missed with --keep.",
    )


def _ended_elsewhere(context: Context, function: str) -> str:
    """Return that another run finished the shift.

    Raises:
        TrialFailedError: it was taken back.
    """
    state = known_state(function, context.workspace.state())
    if state.stage is Stage.SHRUNK and state.packages.slim:
        return "The shift was finished by another command."
    raise TrialFailedError(f"The shift of {function} was ended by another command: it is {state.stage} now.", "")


def _carry_out(
    context: Context, executor: Executor, one: UnderWay, *, forward: bool, over_others: bool = False
) -> None:
    """Carry the end of a shift out: forward, or back.

    Raises:
        ConflictError: the alias leads elsewhere than the shift and its ends do.
        BusyError: another command works on the function.
    """
    steps, shift = one.go_on if forward else one.go_back, one.shift
    with executor.alone(context, steps, one.found):
        now = context.aws.releases.aliases(one.found.name).get(shift.alias)
        if now not in [shift.routing, shift.old, Routing(shift.version)] and not over_others:
            raise ConflictError(
                f"Somebody else led the alias {shift.alias} of {one.found.name} to {now or 'nothing: it is gone'}.",
                "Theirs stays. To go over it: ldeploy shift finish or back, with --force.",
            )
        executor.execute(Execution(context, one.found), steps)
    if forward:
        _keep_outcome(context, shift)


def _keep_outcome(context: Context, shift: Shift) -> None:
    """Let the report and the whitelist of the shift be those of what is deployed."""
    workspace = context.workspace
    if whitelist := workspace.read(SHIFT_WHITELIST):
        workspace.write(DEPLOYED, whitelist)
    if report := workspace.read(SHIFT_REPORT):
        done = replace(reports.from_json(report), state="deployed", version=shift.version, made=rfc3339(context.now()))
        workspace.write(REPORT, reports.to_json(done))


def take_up(context: Context, executor: Executor, one: UnderWay) -> models.ShrinkReport:
    """Go on with the shift that a run left which was cut off; begin its time where no traffic was shifted yet.

    Raises:
        TrialFailedError: it was taken back.
    """
    name, shift = one.found.name, one.shift
    written = context.workspace.read(SHIFT_REPORT)
    if written is None:
        raise WorkspaceError(f"The report of the shift of {name} is gone.", "Give ldeploy shift finish or back.")
    report = replace(reports.from_json(written), state="shifting", version=shift.version)
    context.notices.warn(f"The shift of {name} that an earlier run began is taken up; nothing new is built.")
    steps = (ShareAlias(name, shift),)
    if not executor.agreed(steps):
        return replace(report, plan=tuple(map(str, steps)))
    if context.aws.releases.aliases(name).get(shift.alias) == shift.old:
        with executor.alone(context, steps, one.found):
            context.workspace.save_shift(one.state.bucket, replace(shift, began=context.now()))
            executor.execute(Execution(context, one.found), steps)
    why = see_through(context, executor, name)
    return replace(report, state="deployed", shift=why)


# -- by hand -----------------------------------------------------------------------------------------------------


def status(context: Context, function: str) -> ShiftReport:
    """Report how a shift goes; change nothing."""
    one = _the_shift(context, function)
    watch = Watch(context, one.found.log_group, one.shift)
    judgement = watch.look()
    return _report(one, "shifting", watch, judgement)


def end(context: Context, executor: Executor, function: str, *, forward: bool, over_others: bool) -> ShiftReport:
    """End a shift by hand: forward to the new version, or back.

    Raises:
        WorkspaceError: none is under way.
        ConflictError: somebody else changed the alias.
    """
    one = _the_shift(context, function)
    steps = one.go_on if forward else one.go_back
    if not executor.agreed(steps):
        return replace(_report(one, "planned"), plan=tuple(map(str, steps)))
    _carry_out(context, executor, one, forward=forward, over_others=over_others)
    return _report(one, "deployed" if forward else "taken_back")


def _report(one: UnderWay, state: str, watch: Watch | None = None, judgement: Judgement | None = None) -> ShiftReport:
    shift = one.shift
    return ShiftReport(
        one.found.name,
        state,
        alias=shift.alias,
        share=shift.canary.share,
        version=shift.version,
        old_version=shift.old.version,
        began=rfc3339(shift.began),
        until=rfc3339(shift.until),
        new=watch.new if watch else None,
        old=watch.old if watch else None,
        verdict=judgement.verdict if judgement else "",
        why=judgement.why if judgement else "",
    )
