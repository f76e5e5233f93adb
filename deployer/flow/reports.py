"""Make the report of what a command found and did; read the one that the last command left."""

from dataclasses import replace

from deployer.context import Context
from deployer.deploy.effect import effects
from deployer.deploy.execution import Execution
from deployer.deploy.planner import ProbePlan, Steps
from deployer.errors import WorkspaceError
from deployer.evidence.coverage import estimate
from deployer.evidence.log_price import log_price
from deployer.flow.elsewhere import of_other_code
from deployer.flow.load_package import LoadedPackage
from deployer.flow.models import RedeployRequest
from deployer.flow.recognise import lacks_wrapper, recognise
from deployer.flow.since import milliseconds, since_deployed
from deployer.instrumentation.configure import is_armed
from deployer.models.evidence import Evidence
from deployer.models.function import Function, StoredZip
from deployer.models.whitelist import Whitelist
from deployer.report import models
from deployer.report import store as reports
from deployer.report.deployed import SLIMMED, Deployed, undone
from deployer.report.reasons import reasons
from deployer.report.since import Since
from deployer.slim.build import SlimPackage
from deployer.state.baseline import deployed, is_ours
from deployer.state.left import Left
from deployer.state.stages import Stage
from deployer.state.state import State
from deployer.state.workspace import DEPLOYED, PAGE, REPORT, WHITELIST, Workspace
from deployer.whitelist import from_json

_NEVER_RAN = (
    "There was no {0} before the probe, which made it of a package over Lambda's limit: without the probe it starts "
    "nothing. Delete it, or probe it again."
)


def probe_report(plan: ProbePlan, full: LoadedPackage, steps: Steps, done: Execution | None) -> models.ProbeReport:
    """Report a probe that was carried out, or only planned."""
    state = plan.state
    sent = tuple(done.sent if done else ())
    return models.ProbeReport(
        function=state.function,
        state="probed" if done else "planned",
        package=full.zip.measure,
        label=full.package.label,
        log_group=state.probe.log_group,
        plan=tuple(map(str, steps)),
        effect=effects(steps),
        version=done.first_version if done else "",
        answers=len(sent),
        failed=sum(one.failed for one in sent),
        events=tuple(replace(one, answer="") for one in sent),
        sample=state.probe.sample,
        price=log_price(full.package.file_paths, state.probe.sample),
        unpacked=_unpacked(state) if state.packages.stub else None,
        warnings=(*plan.warnings, *models.sampled(state.probe.sample, len(sent))),
    )


def _unpacked(state: State) -> models.Unpacked:
    probed = state.probe.configuration
    return models.Unpacked(probed.storage, probed.memory, probed.timeout)


def shrink_report(
    request: RedeployRequest, slim: SlimPackage, stored: StoredZip, steps: Steps, warnings: tuple[str, ...]
) -> models.ShrinkReport:
    """Report a slim package that is built, and not deployed yet.

    Args:
        request: what it was made by.
        slim: the package.
        stored: where it lies, or will lie.
        steps: what is to be done.
        warnings: what else the user should know.
    """
    evidence, whitelist = request.evidence, slim.whitelist
    return models.ShrinkReport(
        function=request.found.name,
        state="planned",
        before=request.full.zip.measure,
        after=slim.measure,
        limits=models.limits(slim.measure, request.layers.bytes),
        sandboxes=evidence.sandboxes,
        invocations=evidence.invocations,
        coverage=estimate(evidence),
        lines=evidence.lines,
        faults=dict(evidence.faults),
        steps=slim.steps,
        reasons=reasons(request.full.package, whitelist.decisions),
        layers=request.layers.reports,
        artifacts=models.Artifacts(
            str(slim.path.with_name(WHITELIST)), str(slim.path), stored.uri, str(slim.path.with_name(PAGE))
        ),
        plan=tuple(map(str, steps)),
        effect=effects(steps),
        version="",
        guard=guard_report(slim),
        warnings=(*whitelist.warnings, *slim.warnings, *warnings, *models.warnings(evidence)),
    )


def guard_report(slim: SlimPackage) -> models.GuardReport:
    """Report how what was dropped can be brought back."""
    made = slim.guard
    if made is None:
        return models.GuardReport()
    sizes = (made.files, made.bytes, made.added, made.zip_added, made.otherwise)
    return models.GuardReport(made.mode, *sizes, made.left_out)


def restore_report(state: State, steps: Steps, done: Execution | None) -> models.RestoreReport:
    """Report a restore that was carried out, or only planned."""
    return models.RestoreReport(
        function=state.function,
        state="restored" if done else "planned",
        sha256=state.baseline.code.sha256,
        plan=tuple(map(str, steps)),
        effect=effects(steps),
        warnings=(_NEVER_RAN.format(state.function),) if state.baseline.code == state.packages.stub else (),
    )


def status_report(context: Context, found: Function, state: State, evidence: Evidence) -> models.StatusReport:
    """Report how things stand; where the slim package is deployed, with what the log tells since."""
    which = _which(context, found, state)
    return models.StatusReport(
        function=found.name,
        state=state.stage,
        armed=is_armed(found.configuration),
        deployed=which,
        sample=state.probe.sample,
        sha256=found.code_sha256,
        evidence=evidence,
        coverage=estimate(evidence),
        after_shrink=_since(context, found, state) if which in SLIMMED else None,
        warnings=(
            *models.warnings(evidence),
            *_elsewhere(context, found, state),
            *undone(which, shrunk=state.stage is Stage.SHRUNK),
            *lacks_wrapper(context, found, which),
        ),
    )


def _elsewhere(context: Context, found: Function, state: State) -> tuple[str, ...]:
    """Name the aliases that lead elsewhere; a shift that is under way, with the command that shows it."""
    if state.stage is Stage.SHIFTING:
        return (f"Traffic is being shifted to a new version: ldeploy shift status {found.name}",)
    if is_armed(found.configuration):
        return of_other_code(context.aws, found).unprobed()
    return of_other_code(context.aws, found).unshrunk() if state.stage is Stage.SHRUNK else ()


def _since(context: Context, found: Function, state: State) -> Since | None:
    """Return what the log tells since the deployment; None where what was deployed was not written down."""
    whitelist, report = context.workspace.read(DEPLOYED), context.workspace.read(REPORT)
    if whitelist is None:
        return None
    last = reports.from_json(report) if report else None
    tried = milliseconds(last.made) if last and last.state == "deployed" else 0  # what the trial sent does not count
    return since_deployed(context, state.probe.log_group, tried or found.modified, from_json(whitelist))


def _which(context: Context, found: Function, state: State) -> Deployed:
    if not is_ours(found, state):
        return recognise(context, found, state)
    packages = state.packages
    names = {packages.full: Deployed.FULL, packages.stub: Deployed.STUB}
    zipped = deployed(found, state)
    if zipped in names:
        return names[zipped]
    if zipped == packages.slim:
        return Deployed.SLIM
    return Deployed.BEFORE if zipped == state.baseline.code else Deployed.EARLIER


def mark_past(workspace: Workspace, state: str) -> None:
    """Write into the report of the last shrink that its package is not deployed any more.

    Args:
        workspace: of the function.
        state: ``restored`` or ``probed``.
    """
    written = workspace.read(REPORT)
    if written and (report := reports.from_json(written)).state == "deployed":
        workspace.write(REPORT, reports.to_json(replace(report, state=state)))


# -- what the last run left --------------------------------------------------------------------------------------


def last_report(left: Left) -> models.ShrinkReport:
    """Return what the last shrink or deploy found and did; changes nothing and asks nobody.

    Raises:
        WorkspaceError: there was none.
    """
    written = left.read(REPORT)
    if written is None:
        raise WorkspaceError(f"There is no report of {left.function} yet.", "Run ldeploy probe and shrink first.")
    return reports.from_json(written)


def last_whitelist(workspace: Workspace) -> Whitelist:
    """Return the whitelist of the slim package that was deployed last.

    Raises:
        WorkspaceError: there is none.
    """
    written = workspace.read(DEPLOYED)
    if written is None:
        raise WorkspaceError(
            f"There is no whitelist of {workspace.function} yet.", "Run ldeploy probe and shrink first."
        )
    return from_json(written)
