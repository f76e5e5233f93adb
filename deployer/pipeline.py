"""THE FLOW. Read this first.

    full package ─► index ─► probe deployed ─► real invocations ─► CloudWatch ─► evidence
                                                                                    │
    redeployed, verified, reversible ◄─ plan ◄─ slim zip ◄─ whitelist, each path with its reason

Two runs, with hours or weeks of traffic between them: ``probe`` ends at "probe deployed", ``shrink`` begins at
"CloudWatch". Each looks at what is (reads only), decides (values only), and carries out a plan: the only part that
changes anything, and ``--plan`` stops before it.
"""

from dataclasses import replace
from pathlib import Path

from deployer import plan
from deployer.arm import check, check_runtime, is_armed, raised, unprobed
from deployer.before import (
    begin,
    check_probed,
    deployed,
    is_ours,
    known_state,
    of_this_function,
    probed_state,
    seen_layers,
    with_whole_layers,
)
from deployer.coverage import estimate
from deployer.errors import ConflictError, OverLimitError, TrialFailedError, WorkspaceError
from deployer.events import check_events
from deployer.function import Function, Stage, State, StoredZip, package_key
from deployer.intake import Taken
from deployer.layer import layer_size
from deployer.layering import Touched, layer_bytes, swapped
from deployer.limits import UNZIPPED
from deployer.logs import Via
from deployer.models import Evidence, Package, Whitelist
from deployer.package import distributions, index
from deployer.plan import Steps
from deployer.reading import Window, enough
from deployer.report import data
from deployer.report import file as reports
from deployer.run import DeployWanted, ProbeWanted, Run, ShrinkWanted
from deployer.slimming import Choice, Slimmed, check_fits, measured, reasons, with_steps
from deployer.whitelist import carry_over, choose, contents, from_json, keep_too, of_package, to_json
from deployer.workspace import DEPLOYED, REPORT

# -- full package -> probe deployed; changes nothing before what was there is written down -----------------------


def probe(run: Run, wanted: ProbeWanted) -> data.ProbeReport:
    """Deploys the full package with the probe in."""
    found = run.aws.functions.find(wanted.function)
    if found:
        check(found)
    elif wanted.create:
        check_runtime(wanted.create.runtime)
    if wanted.events:
        check_events(wanted.events)
    taken = run.intake(wanted.bucket).take(wanted.package, found)
    known = _known(run, found)
    state = begin(wanted.function, wanted.bucket, found, known, wanted.create, taken.zip, run.now())
    state = replace(state, probed=raised(state.probed, wanted.memory, wanted.timeout), sample=wanted.sample)
    if wanted.events:
        state = replace(state, events=str(wanted.events.absolute()), answers={})
    layering = run.layering(wanted.bucket)
    layering.check_handler(taken.package, state.probed)
    layers = layer_bytes(layering.as_they_are(state.probed)) + layer_size()
    check_fits(taken.package, taken.package.bytes, layers, "The full package")
    bucket = wanted.bucket if wanted.make_bucket else None
    held = contents(taken.package, distributions(taken.source, taken.package))
    steps = plan.probe(found, state, held, taken.upload, bucket, wanted.events)
    done = run.carry_out(steps, found)
    answers = (done.answers if done else None) or {}
    return data.ProbeReport(
        function=wanted.function,
        state="probed" if done else "planned",
        package=measured(taken.zip),
        label=taken.package.label,
        log_group=state.log_group,
        plan=tuple(map(str, steps)),
        version=done.version if done else "",
        answers=len(answers),
        failed=sum(answer.failed for answer in answers.values()),
        sample=wanted.sample,
        warnings=data.sampled(wanted.sample, len(answers)),
    )


def _known(run: Run, found: Function | None) -> State | None:
    return of_this_function(run.workspace.state(), found, run.aws.region)


# -- CloudWatch -> evidence -> whitelist -> slim zip -> redeployed; the old code goes only when the new is in S3 ---


def shrink(run: Run, wanted: ShrinkWanted) -> data.ShrinkReport:
    """Reads the log, writes the whitelist, builds the slim zip and redeploys it without the probe."""
    found = run.aws.functions.get(wanted.function)
    state = probed_state(found, _known(run, found))
    reader = run.reader(wanted.via)
    evidence = reader.read(state, wanted.window, run.now(), keep=True)
    enough(evidence, state, wanted.min_sandboxes)
    source = run.slimmer.source(state.full)
    full = Taken(index(source), source, state.full, None)
    check_probed(full.package, state)
    installed = distributions(source, full.package)
    earlier = reader.earlier(state, run.now())
    rules = of_package(wanted.rules)
    whitelist = choose(full.package, installed, evidence, rules, found.configuration.handler, earlier)
    if wanted.earlier:
        whitelist = keep_too(whitelist, wanted.earlier)
    known = (evidence, *(one.evidence for one in reversed(earlier)))
    code = sum(one.size for one in whitelist.decisions.values() if one.kept)
    touched = Touched(known, seen_layers(state, evidence.until), wanted.rules, code)
    bare = with_whole_layers(unprobed(found.configuration, state.before, state.probed), state.pruned)
    layers = run.layering(state.bucket).pruned(found, bare, touched)
    return _told(
        run, _redeploy(run, Choice(found, full, whitelist, wanted.settings, bare, layers, evidence, state, state))
    )


def deploy(run: Run, wanted: DeployWanted) -> data.ShrinkReport:
    """Slims a fresh build by the whitelist there is, and deploys it the same way."""
    found = run.aws.functions.get(wanted.function)
    full = run.intake(wanted.bucket).take(wanted.package, found)
    run.layering(wanted.bucket).check_handler(full.package, found.configuration)
    installed = distributions(full.source, full.package)
    whitelist = carry_over(wanted.whitelist, full.package, installed, wanted.rules)
    earlier = _known(run, found)
    begun = begin(wanted.function, wanted.bucket, found, earlier, None, full.zip, run.now(), probing=False)
    if earlier:
        begun = replace(begun, events=earlier.events, answers=earlier.answers)
    back = earlier or replace(begun, stage=Stage.RESTORED)
    bare = unprobed(found.configuration, begun.before, begun.probed)
    layers = run.layering(wanted.bucket).as_they_are(bare)
    evidence = Evidence(full.zip.label, {})
    return _told(
        run, _redeploy(run, Choice(found, full, whitelist, wanted.settings, bare, layers, evidence, begun, back))
    )


def last_whitelist(run: Run, function: str) -> Whitelist:
    """The whitelist of the slim package that was deployed last.

    Raises:
        WorkspaceError: there is none.
    """
    written = run.workspace.read(DEPLOYED)
    if written is None:
        raise WorkspaceError(f"There is no whitelist of {function} yet.", "Run ldeploy probe and shrink first.")
    return from_json(written)


def _redeploy(run: Run, choice: Choice) -> data.ShrinkReport:
    """The slim zip by a whitelist, in the place of what is deployed; taken back where its trial fails."""
    found, begun = choice.found, choice.begun
    wanted, layers = swapped(choice.wanted, choice.layers), layer_bytes(choice.layers)
    slimmed = run.slimmer.write(choice, UNZIPPED - layers)
    state = replace(begun, stage=Stage.SHRINKING, slim=_stored(slimmed, begun.bucket))
    can_try = bool(begun.answers) and Path(begun.events).is_dir()  # the folder of events may be gone by now
    if can_try:
        check_events(Path(begun.events))
    trial = plan.Try(found.name, state, same_code=choice.begun is choice.earlier) if can_try else None
    pruned = [layer.pruned for layer in choice.layers if layer.pruned]
    steps = plan.shrink(found, state, wanted, slimmed.zip, choice.full.upload, pruned, trial)
    report = _shrink_report(choice, slimmed, state.slim or choice.full.zip, layers, steps)
    try:
        check_fits(_kept(choice), slimmed.measure.bytes, layers, "The slim package")
    except OverLimitError as error:
        return replace(report, state="over_limit", warnings=(*report.warnings, str(error)))
    try:
        done = run.carry_out(steps, found)
    except TrialFailedError as error:
        now = run.aws.functions.get(found.name)
        run.execute(plan.take_back(now, found, deployed(found, begun), choice.earlier), now)
        raise with_steps(error, slimmed.settings) from error
    if done is None:
        return report
    run.workspace.write(DEPLOYED, to_json(slimmed.whitelist))
    return replace(report, state="deployed", version=done.version)


def _kept(choice: Choice) -> Package:
    full = choice.full.package
    return replace(full, entries={path: full.entries[path] for path in choice.whitelist.kept()})


def _told(run: Run, report: data.ShrinkReport) -> data.ShrinkReport:
    """The report, left for ``ldeploy report``."""
    run.workspace.write(REPORT, reports.to_json(report))
    return report


def _stored(slimmed: Slimmed, bucket: str) -> StoredZip:
    slim = slimmed.measure
    return StoredZip(bucket, package_key(slim.sha256), slim.sha256, slim.zip_bytes, slim.bytes, slim.files)


def _shrink_report(choice: Choice, slimmed: Slimmed, slim: StoredZip, layers: int, steps: Steps) -> data.ShrinkReport:
    evidence = choice.evidence
    return data.ShrinkReport(
        function=choice.found.name,
        state="planned",
        before=measured(choice.full.zip),
        after=slimmed.measure,
        limits=data.limits(slimmed.measure, layers),
        sandboxes=evidence.sandboxes,
        invocations=evidence.invocations,
        coverage=estimate(evidence),
        lines=evidence.lines,
        faults=dict(evidence.faults),
        steps=slimmed.steps,
        reasons=reasons(slimmed.whitelist.decisions.values()),
        layers=tuple(layer.report for layer in choice.layers),
        artifacts=data.Artifacts(str(slimmed.path), str(slimmed.zip), slim.uri),
        plan=tuple(map(str, steps)),
        version="",
        warnings=(*slimmed.whitelist.warnings, *slimmed.warnings, *data.warnings(evidence)),
    )


def last_report(run: Run, function: str) -> data.ShrinkReport:
    """What the last shrink or deploy found and did; changes nothing and asks nobody.

    Raises:
        WorkspaceError: there was none.
    """
    written = run.workspace.read(REPORT)
    if written is None:
        raise WorkspaceError(f"There is no report of {function} yet.", "Run ldeploy probe and shrink first.")
    return reports.from_json(written)


# -- and back; leads to the exact state before the probe ---------------------------------------------------------


def restore(run: Run, function: str, *, over_others: bool) -> data.RestoreReport:
    """The function exactly as it was before the last probe or deploy.

    Args:
        run: the surroundings.
        function: its name.
        over_others: also where somebody else has put other code in since.
    """
    found = run.aws.functions.get(function)
    state = replace(known_state(function, _known(run, found)), stage=Stage.RESTORING)
    if not (over_others or is_ours(found, state)):
        raise ConflictError(
            f"The code of {function} was replaced since by somebody else: restore would undo that.",
            "If that is what you want, give --yes.",
        )
    steps = plan.restore(found, state)
    done = run.carry_out(steps, found)
    return data.RestoreReport(
        function=function,
        state="restored" if done else "planned",
        sha256=state.before_code.sha256,
        plan=tuple(map(str, steps)),
    )


def status(run: Run, function: str, via: Via) -> data.StatusReport:
    """Which state the function is in and what has been seen so far; changes nothing."""
    found = run.aws.functions.get(function)
    state = known_state(function, _known(run, found))
    evidence = run.reader(via).read(state, Window(), run.now(), keep=False)
    return data.StatusReport(
        function=function,
        state=state.stage,
        armed=is_armed(found.configuration),
        deployed=_which(found, state),
        sample=state.sample,
        sha256=found.code_sha256,
        evidence=evidence,
        coverage=estimate(evidence),
        warnings=data.warnings(evidence),
    )


def _which(found: Function, state: State) -> str:
    if not is_ours(found, state):
        return "other"
    zipped = deployed(found, state)
    return "full" if zipped == state.full else "slim" if zipped == state.slim else "before"
