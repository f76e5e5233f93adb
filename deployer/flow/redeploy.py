"""Put a slim package in the place of what is deployed: plan, carry out, try, and take back where the trial fails.

The old code goes only when the new is in S3, and what the trial fails on is never left deployed.
"""

from dataclasses import replace
from pathlib import Path

from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.execution import Execution
from deployer.deploy.executor import Executor
from deployer.deploy.permissions import PermissionPlan, Reading, plan_permission, policy_name
from deployer.deploy.planner import Redeployment, Steps
from deployer.deploy.recorded_events import check_events
from deployer.errors import ConflictError, LdeployError, OverLimitError, TrialFailedError
from deployer.evidence.invocations import median_start
from deployer.flow.guard import GuardPlan, plan_guard
from deployer.flow.models import RedeployRequest
from deployer.flow.page import page_content, settle_account
from deployer.flow.preflight import ZAPPA_SETTINGS
from deployer.flow.reports import shrink_report
from deployer.flow.shift import see_through
from deployer.flow.since import rfc3339, starts_since
from deployer.instrumentation.configure import EXEC_WRAPPER, FIT_WRAPPER, START_LAYER, fitted
from deployer.instrumentation.layer_zip import START_LAYER_NAME, START_WRAPPER, layer_size
from deployer.limits import UNZIPPED
from deployer.models.function import StoredZip
from deployer.models.slim import Measure
from deployer.package import distributions
from deployer.report import models
from deployer.report import store as reports
from deployer.report.page import page
from deployer.slim import Bucket, Settings
from deployer.slim.build import SlimPackage, SlimRequest, build
from deployer.slim.fit import check_fits, check_storage, in_time
from deployer.state.baseline import deployed
from deployer.state.shift import Shift
from deployer.state.state import State
from deployer.state.workspace import (
    DEPLOYED,
    LEAN,
    LIST,
    PAGE,
    REPORT,
    SHIFT_REPORT,
    SHIFT_WHITELIST,
    SLIM,
    WHITELIST,
    write_whole,
)
from deployer.whitelist import to_json, to_lean_json, to_list


def redeploy(context: Context, executor: Executor, request: RedeployRequest) -> models.ShrinkReport:
    """Put the slim zip in the place of what is deployed; leave its report for ``ldeploy report``.

    Raises:
        OverLimitError: what would be unpacked at start is bigger than /tmp can be.
        TrialFailedError: it failed on a recorded event; what was deployed before is back.
    """
    guarding = plan_guard(context, request)
    slim = _build(context, request, guarding)
    check_storage(slim.sizes)
    permission = _permission(context, request, slim, guarding)
    new = _redeployment(context, request, slim, permission)
    steps = planner.shrink(request.found, new)
    stored = StoredZip.of(slim.measure, request.begun.bucket, request.begun.function)
    late = in_time(new.configuration.timeout, slim.unpacked)
    warnings = (*permission.warnings, *late, *_unguarded(request, slim), *_may_not_start(request, new))
    report = shrink_report(request, slim, stored, steps, warnings)
    account = settle_account(context, request, slim)
    report = replace(report, before=_with_starts(context, request, report.before))
    try:
        layers = request.layers.bytes + (layer_size(START_LAYER_NAME) if START_LAYER in new.configuration.layers else 0)
        check_fits(request.full.package, slim.whitelist, stored.bytes, layers, "The slim package")
    except OverLimitError as error:
        report = replace(report, state="over_limit", warnings=(*report.warnings, str(error)))
    else:
        report = _carry_out(context, executor, request, slim, steps, report)
    if report.state == "shifting" and request.delivery.canary and request.delivery.canary.wait:
        report = replace(report, state="deployed", shift=see_through(context, executor, request.found.name))
    report = replace(report, made=rfc3339(context.now()))
    context.workspace.write(REPORT, reports.to_json(report))
    write_whole(context.workspace.path(PAGE), page(page_content(context, report, account, _command(request))))
    return report


def _with_starts(context: Context, request: RedeployRequest, full: Measure) -> Measure:
    """Add how long the full package's cold starts took, where they are in the log: with the probe in."""
    if not (request.same_code and request.begun.probe.since):
        return full
    return replace(full, init_ms=starts_since(context, request.begun.probe.log_group, request.begun.probe.since))


def _command(request: RedeployRequest) -> str:
    """Return what the user typed, without its options: they may name what belongs on no page."""
    return f"ldeploy {'shrink' if request.same_code else 'deploy'} {request.found.name}"


def _unguarded(request: RedeployRequest, slim: SlimPackage) -> tuple[str, ...]:
    """Return what is said where the guard does not bring back all that was dropped."""
    pruned = [layer for layer in request.layers.reports if layer.pruned]
    if slim.guard is None or not pruned:
        return ()
    return ("The layers that were pruned are not guarded: what was dropped from them cannot be brought back.",)


def _may_not_start(request: RedeployRequest, new: Redeployment) -> tuple[str, ...]:
    """Return what to know of a function that another tool can leave without its wrapper.

    It is in a layer, which goes where somebody replaces the layers alone, as Zappa does; or, with five layers already,
    in the code.
    """
    wrapper, layers = new.configuration.environment.get(EXEC_WRAPPER), len(new.configuration.layers)
    name = new.state.function
    if wrapper == FIT_WRAPPER:
        why = f"{name} has {layers} layers, no room for one of ldeploy's, and starts through a program in its package"
        what = "code"
    elif wrapper == START_WRAPPER and (layers > 1 or ZAPPA_SETTINGS in request.full.package.entries):
        why, what = f"{name} now starts through a layer of ldeploy's", "layers"
    else:
        return ()
    left = f"a tool that replaces only the {what} would break it"
    return (f"{why}: {left}. Deploy with ldeploy deploy, or run ldeploy restore {name} first.",)


def _build(context: Context, request: RedeployRequest, guarding: GuardPlan) -> SlimPackage:
    """Write the whitelist, as JSON and as a plain list, and the slim zip made by it."""
    workspace = context.workspace
    workspace.write(WHITELIST, to_json(request.whitelist))
    workspace.write(LIST, to_list(request.whitelist))
    held = distributions(request.full.source, request.full.package)
    workspace.write(LEAN, to_lean_json(request.whitelist, held))
    parts = SlimRequest(
        request.full.source,
        request.full.package,
        request.whitelist,
        request.settings,
        request.found.configuration.runtime,
        layered=bool(request.layers.reports),
        evidence=request.evidence,
        path=workspace.path(SLIM),
        bucket=Bucket(request.begun.bucket, request.found.arn.split(":")[3], request.begun.function),
        guard=guarding.request,
    )
    return build(parts, UNZIPPED - _beside(request), context.notices)


def _beside(request: RedeployRequest) -> int:
    """Return the bytes of the layers beside the code when it is updated.

    The probe's is still there, and in the place of a stub, which has room for them, those that are not pruned yet.
    """
    layers = request.layers
    return layer_size() + (layers.whole_bytes if request.begun.packages.stub else layers.bytes)


def _permission(context: Context, request: RedeployRequest, slim: SlimPackage, guarding: GuardPlan) -> PermissionPlan:
    """Plan how the function may read what stays in S3."""
    guard = guarding.permission if slim.guard else PermissionPlan()
    if slim.rest is None:
        return guard
    name, role = policy_name(request.found.name, "rest"), request.layers.configuration.role
    attach, attached = request.delivery.attach_policy, request.begun.policies
    rest = plan_permission(context.aws.roles, role, Reading(slim.rest, name), attach=attach, attached=attached)
    return PermissionPlan((*rest.policies, *guard.policies), (*rest.warnings, *guard.warnings))


def _redeployment(
    context: Context, request: RedeployRequest, slim: SlimPackage, permission: PermissionPlan
) -> Redeployment:
    stored = StoredZip.of(slim.measure, request.begun.bucket, request.begun.function)
    state = request.begun.after(request.act).with_slim(stored)
    bare = request.layers.configuration
    return Redeployment(
        state,
        fitted(bare, slim.unpacked) if slim.unpacked or slim.guard else bare,
        slim,
        request.full.upload,
        request.layers.pruned,
        permission.policies,
        _trial(request, state),
        request.delivery.alias or "",
        _shift(context, request),
    )


def _shift(context: Context, request: RedeployRequest) -> Shift | None:
    """Return the shift of traffic that is wanted, with what it leads back to."""
    delivery = request.delivery
    if delivery.canary is None or delivery.led_to is None or not delivery.alias:
        return None
    before = (request.earlier, request.found.configuration, _deployed(request))
    return Shift(delivery.alias, delivery.led_to, "", delivery.canary, context.now(), *before)


def _deployed(request: RedeployRequest) -> StoredZip:
    """Return the zip that is deployed before."""
    found = request.found
    return deployed(found, request.earlier) or deployed(found, request.begun) or request.begun.baseline.code


def _trial(request: RedeployRequest, state: State) -> planner.Try | None:
    """Return the recorded events again, where there are any; their folder may be gone by now."""
    if not (state.recorded.answers and Path(state.recorded.folder).is_dir()):
        return None
    check_events(Path(state.recorded.folder))
    before = request.delivery.trial == "before" and not request.delivery.alias
    delivery = request.delivery
    return planner.Try(request.found.name, state, request.same_code, before, delivery.ignore, delivery.max_slower)


def _carry_out(
    context: Context,
    executor: Executor,
    request: RedeployRequest,
    slim: SlimPackage,
    steps: Steps,
    report: models.ShrinkReport,
) -> models.ShrinkReport:
    if not executor.agreed(steps):
        return report
    if request.delivery.canary:
        context.workspace.write(SHIFT_WHITELIST, to_json(slim.whitelist))
        context.workspace.write(SHIFT_REPORT, reports.to_json(report))
    execution = Execution(context, request.found)
    with executor.alone(context, steps, request.found):
        try:
            executor.execute(execution, steps)
        except TrialFailedError as error:
            _take_back(executor, execution, request)
            raise _with_steps(error, slim.settings) from error
        except (KeyboardInterrupt, LdeployError) as error:
            if execution.shift or isinstance(error, KeyboardInterrupt):
                _take_back(executor, execution, request)
            raise
        finally:
            if execution.trial:
                execution.drop_trial(execution.trial)
    if not execution.shift:
        context.workspace.write(DEPLOYED, to_json(slim.whitelist))
    logs = (line for log in execution.logs for line in log.splitlines())
    measure = replace(report.after, init_ms=median_start(logs))
    state = "shifting" if execution.shift else "deployed"
    return replace(report, state=state, version=execution.version, after=measure, trial=execution.tried)


def _take_back(executor: Executor, execution: Execution, request: RedeployRequest) -> None:
    """Put back what was deployed before, if nobody deployed anything since our own last update.

    Raises:
        ConflictError: somebody did: theirs stays.
    """
    found, ours = request.found, execution.function
    back = planner.take_back(ours, found, _deployed(request), request.earlier) if ours else ()
    if execution.shift:
        back = (planner.MoveAlias(found.name, execution.shift.alias, execution.shift.old), *back)
    try:
        executor.execute(execution, back)
    except ConflictError as error:
        raise ConflictError(
            f"The new package of {found.name} failed its trial, and somebody else changed the function meanwhile:"
            f" theirs stays. {error.what}",
            "See with ldeploy status what is deployed.",
        ) from error


def _with_steps(error: TrialFailedError, settings: Settings) -> TrialFailedError:
    """Return the same error, its advice with the steps that the new package had gone through."""
    steps = str(settings)
    tried = f" It was not the whitelist alone: {steps}." if steps else ""
    return TrialFailedError(error.what, error.advice + tried)
