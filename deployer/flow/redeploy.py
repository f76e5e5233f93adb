"""A slim package in the place of what is deployed: planned, carried out, tried, and taken back where it fails.

The old code goes only when the new is in S3, and what the trial fails on is never left deployed.
"""

from dataclasses import replace
from pathlib import Path

from deployer.context import Run
from deployer.deploy import planner
from deployer.deploy.permissions import Leave, leave
from deployer.deploy.planner import Steps
from deployer.deploy.prune_layers import layer_bytes, swapped
from deployer.deploy.recorded_events import check_events
from deployer.errors import OverLimitError, TrialFailedError
from deployer.flow.reports import shrink_report
from deployer.flow.slimming import Choice, Slimmed, check_fits, kept_of, with_steps
from deployer.instrumentation.configure import fitted
from deployer.instrumentation.layer_zip import layer_size
from deployer.limits import UNZIPPED
from deployer.models.function import StoredZip, package_key
from deployer.report import models
from deployer.report import store as reports
from deployer.slim.fit import check_storage, in_time
from deployer.state.baseline import deployed
from deployer.state.state import Stage, State
from deployer.state.workspace import DEPLOYED, REPORT
from deployer.whitelist import to_json


def redeploy(run: Run, choice: Choice) -> models.ShrinkReport:
    """The slim zip by a whitelist, in the place of what is deployed; its report is left for ``ldeploy report``.

    Raises:
        OverLimitError: what would be unpacked at start is bigger than /tmp can be.
        TrialFailedError: it failed on a recorded event; what was deployed before is back.
    """
    wanted, layers = swapped(choice.wanted, choice.layers), layer_bytes(choice.layers)
    slimmed = run.slimmer.write(choice, UNZIPPED - _beside(choice, layers))
    check_storage(slimmed.built.sizes)
    unpacked = slimmed.built.unpacked
    wanted = fitted(wanted, unpacked) if unpacked else wanted
    slim = _stored(slimmed, choice.begun.bucket)
    state = replace(choice.begun, stage=Stage.SHRINKING, slim=slim)
    pruned = [layer.pruned for layer in choice.layers if layer.pruned]
    trial = _trial(choice, state)
    given = _leave(run, choice, slimmed)
    rest = replace(slimmed.rest, policies=given.policies) if slimmed.rest else None
    steps = planner.shrink(choice.found, state, wanted, slimmed.zip, choice.full.upload, pruned, trial, rest)
    report = shrink_report(choice, slimmed, slim, layers, steps, (*given.warnings, *in_time(wanted.timeout, unpacked)))
    try:
        check_fits(kept_of(choice.full.package, choice.whitelist), slim.bytes, layers, "The slim package")
    except OverLimitError as error:
        report = replace(report, state="over_limit", warnings=(*report.warnings, str(error)))
    else:
        report = _carried_out(run, choice, slimmed, steps, report)
    run.workspace.write(REPORT, reports.to_json(report))
    return report


def _leave(run: Run, choice: Choice, slimmed: Slimmed) -> Leave:
    """For the function to read what stays in S3."""
    if slimmed.rest is None:
        return Leave()
    name, role = f"ldeploy-{choice.found.name[:115]}-rest", choice.wanted.role
    return leave(run.aws.roles, role, slimmed.rest.zip, name, attach=choice.attach_policy)


def _beside(choice: Choice, layers: int) -> int:
    """Bytes of the layers beside the code when it is updated: the probe's is still there, and in the place of a stub,
    which has room for them, those that are not pruned yet."""
    whole = sum(layer.report.bytes_before for layer in choice.layers)
    return layer_size() + (whole if choice.begun.stub else layers)


def _trial(choice: Choice, state: State) -> planner.Try | None:
    """The recorded events again, where there are any; their folder may be gone by now."""
    if not (state.answers and Path(state.events).is_dir()):
        return None
    check_events(Path(state.events))
    return planner.Try(choice.found.name, state, same_code=choice.begun is choice.earlier)


def _carried_out(
    run: Run, choice: Choice, slimmed: Slimmed, steps: Steps, report: models.ShrinkReport
) -> models.ShrinkReport:
    try:
        done = run.carry_out(steps, choice.found)
    except TrialFailedError as error:
        now = run.aws.functions.get(choice.found.name)
        before = deployed(choice.found, choice.begun)
        run.execute(planner.take_back(now, choice.found, before, choice.earlier), now)
        raise with_steps(error, slimmed.built.settings) from error
    if done is None:
        return report
    run.workspace.write(DEPLOYED, to_json(slimmed.whitelist))
    return replace(report, state="deployed", version=done.version)


def _stored(slimmed: Slimmed, bucket: str) -> StoredZip:
    slim = slimmed.built.measure
    return StoredZip(bucket, package_key(slim.sha256), slim.sha256, slim.zip_bytes, slim.bytes, slim.files)
