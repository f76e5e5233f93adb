"""What a command found and did, as its report; and what the last one left."""

from deployer.deploy.executor import Execution
from deployer.deploy.planner import Steps
from deployer.errors import WorkspaceError
from deployer.evidence.coverage import estimate
from deployer.flow.load_package import Taken
from deployer.flow.slimming import Choice, Slimmed, measured, reasons
from deployer.instrumentation.configure import is_armed
from deployer.models.evidence import Evidence
from deployer.models.function import Function, StoredZip
from deployer.models.whitelist import Whitelist
from deployer.report import models
from deployer.report import store as reports
from deployer.state.baseline import deployed, is_ours
from deployer.state.state import State
from deployer.state.workspace import DEPLOYED, REPORT, Workspace
from deployer.whitelist import from_json

_NEVER_RAN = (
    "There was no {0} before the probe, which made it of a package over Lambda's limit: without the probe it starts "
    "nothing. Delete it, or probe it again."
)


def probe_report(
    state: State, full: Taken, steps: Steps, done: Execution | None, warnings: tuple[str, ...]
) -> models.ProbeReport:
    """Of a probe that was carried out, or only planned."""
    answers = (done.answers if done else None) or {}
    return models.ProbeReport(
        function=state.function,
        state="probed" if done else "planned",
        package=measured(full.zip),
        label=full.package.label,
        log_group=state.log_group,
        plan=tuple(map(str, steps)),
        version=done.version if done else "",
        answers=len(answers),
        failed=sum(answer.failed for answer in answers.values()),
        sample=state.sample,
        unpacked=models.Unpacked(state.probed.storage, state.probed.memory, state.probed.timeout)
        if state.stub
        else None,
        warnings=(*warnings, *models.sampled(state.sample, len(answers))),
    )


def _unpacked(state: State) -> models.Unpacked:
    probed = state.probed
    return models.Unpacked(probed.storage, probed.memory, probed.timeout)


def shrink_report(
    choice: Choice, slimmed: Slimmed, slim: StoredZip, layers: int, steps: Steps, warnings: tuple[str, ...]
) -> models.ShrinkReport:
    """Of a slim package that is built, and not deployed yet.

    Args:
        choice: what it was made by.
        slimmed: the package.
        slim: where it lies, or will lie.
        layers: bytes of the layers beside it, unzipped.
        steps: what is to be done.
        warnings: what else the user should know.
    """
    evidence, built = choice.evidence, slimmed.built
    return models.ShrinkReport(
        function=choice.found.name,
        state="planned",
        before=measured(choice.full.zip),
        after=built.measure,
        limits=models.limits(built.measure, layers),
        sandboxes=evidence.sandboxes,
        invocations=evidence.invocations,
        coverage=estimate(evidence),
        lines=evidence.lines,
        faults=dict(evidence.faults),
        steps=built.steps,
        reasons=reasons(slimmed.whitelist.decisions.values()),
        layers=tuple(layer.report for layer in choice.layers),
        artifacts=models.Artifacts(str(slimmed.path), str(slimmed.zip), slim.uri),
        plan=tuple(map(str, steps)),
        version="",
        warnings=(*slimmed.whitelist.warnings, *built.warnings, *warnings, *models.warnings(evidence)),
    )


def restore_report(state: State, steps: Steps, done: Execution | None) -> models.RestoreReport:
    """Of a restore that was carried out, or only planned."""
    return models.RestoreReport(
        function=state.function,
        state="restored" if done else "planned",
        sha256=state.before_code.sha256,
        plan=tuple(map(str, steps)),
        warnings=(_NEVER_RAN.format(state.function),) if state.before_code == state.stub else (),
    )


def status_report(found: Function, state: State, evidence: Evidence) -> models.StatusReport:
    """How things stand."""
    return models.StatusReport(
        function=found.name,
        state=state.stage,
        armed=is_armed(found.configuration),
        deployed=_which(found, state),
        sample=state.sample,
        sha256=found.code_sha256,
        evidence=evidence,
        coverage=estimate(evidence),
        warnings=models.warnings(evidence),
    )


def _which(found: Function, state: State) -> str:
    if not is_ours(found, state):
        return "other"
    zipped = deployed(found, state)
    return (
        "full"
        if zipped == state.full
        else "stub"
        if zipped == state.stub
        else "slim"
        if zipped == state.slim
        else "before"
    )


# -- what the last run left --------------------------------------------------------------------------------------


def last_report(workspace: Workspace) -> models.ShrinkReport:
    """What the last shrink or deploy found and did; changes nothing and asks nobody.

    Raises:
        WorkspaceError: there was none.
    """
    written = workspace.read(REPORT)
    if written is None:
        raise WorkspaceError(f"There is no report of {workspace.function} yet.", "Run ldeploy probe and shrink first.")
    return reports.from_json(written)


def last_whitelist(workspace: Workspace) -> Whitelist:
    """The whitelist of the slim package that was deployed last.

    Raises:
        WorkspaceError: there is none.
    """
    written = workspace.read(DEPLOYED)
    if written is None:
        raise WorkspaceError(
            f"There is no whitelist of {workspace.function} yet.", "Run ldeploy probe and shrink first."
        )
    return from_json(written)
