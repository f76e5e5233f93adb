"""THE FLOW. Read this first.

    full package ─► index ─► probe deployed ─► real invocations ─► CloudWatch ─► evidence
                                                                                    │
    redeployed, verified, reversible ◄─ plan ◄─ slim zip ◄─ whitelist, each path with its reason

Two runs, with hours or weeks of traffic between them: ``probe`` ends at "probe deployed", ``shrink`` begins at
"CloudWatch". Each looks at what is (reads only), decides (values only), and carries out a plan: the only part that
changes anything, and ``--plan`` stops before it.
"""

from dataclasses import replace

from deployer.context import DeployWanted, ProbeWanted, Run, ShrinkWanted
from deployer.deploy import planner
from deployer.deploy.prune_layers import Touched
from deployer.deploy.recorded_events import check_events
from deployer.errors import ConflictError, UsageError
from deployer.flow.load_package import Taken
from deployer.flow.oversize import placed
from deployer.flow.redeploy import redeploy
from deployer.flow.reports import probe_report, restore_report, status_report
from deployer.flow.slimming import Choice
from deployer.instrumentation.configure import check, check_runtime, is_by_template, raised, unprobed
from deployer.models.evidence import Evidence
from deployer.models.function import Function
from deployer.models.whitelist import Whitelist
from deployer.package import distributions, index
from deployer.report import models
from deployer.sources.base import Via
from deployer.sources.reader import Window, enough
from deployer.state.baseline import (
    begin,
    check_probed,
    is_ours,
    known_state,
    of_this_function,
    probed_state,
    seen_layers,
    taken_over,
    with_whole_layers,
)
from deployer.state.state import Stage, State
from deployer.whitelist import Earlier, carry_over, choose, contents, keep_too, of_package

# -- full package -> probe deployed; changes nothing before what was there is written down -----------------------


def probe(run: Run, wanted: ProbeWanted) -> models.ProbeReport:
    """Deploys the full package with the probe in."""
    found = run.aws.functions.find(wanted.function)
    _check_request(found, wanted)
    full = run.intake(wanted.bucket).take(wanted.package, found)
    probed = placed(run, wanted, full, _probing(run, wanted, found, full))
    held = contents(full.package, distributions(full.source, full.package))
    bucket = wanted.bucket if wanted.make_bucket else None
    steps = planner.probe(found, probed.state, held, probed.uploads, bucket, wanted.events, probed.leave.policies)
    return probe_report(probed.state, full, steps, run.carry_out(steps, found), probed.leave.warnings)


def _check_request(found: Function | None, wanted: ProbeWanted) -> None:
    if found:
        check(found)
    elif wanted.create:
        check_runtime(wanted.create.runtime)
    if wanted.events:
        check_events(wanted.events)


def _probing(run: Run, wanted: ProbeWanted, found: Function | None, full: Taken) -> State:
    """The state that the probe begins with: what was before, and what is wanted for as long as it is in."""
    known = _known(run, found)
    state = begin(wanted.function, wanted.bucket, found, known, wanted.create, full.zip, run.now())
    probed = raised(state.probed, wanted.memory, wanted.timeout)
    state = replace(state, probed=probed, sample=wanted.sample)
    return replace(state, events=str(wanted.events.absolute()), answers={}) if wanted.events else state


def _known(run: Run, found: Function | None) -> State | None:
    return of_this_function(run.workspace.state(), found, run.aws.region)


def standing(run: Run, found: Function) -> State | None:
    """How things stand with a function, as far as is known; a probe that a template put in is taken over.

    Raises:
        UsageError: it is to be taken over, and nobody says in which bucket ldeploy may keep its own.
    """
    known = _known(run, found)
    if not is_by_template(found.configuration):
        return known
    if run.workspace.bucket is None:
        raise UsageError(f"The probe of {found.name} is a template's.", "Give --bucket, or --stack-name.")
    full = run.intake(run.workspace.bucket).take(None, found)
    return taken_over(found, run.workspace.bucket, known, full.zip, run.now())


# -- CloudWatch -> evidence -> whitelist -> slim zip -> redeployed; never with less evidence than was asked for ----


def shrink(run: Run, wanted: ShrinkWanted) -> models.ShrinkReport:
    """Reads the log, writes the whitelist, builds the slim zip and redeploys it without the probe."""
    found = run.aws.functions.get(wanted.function)
    state = probed_state(found, standing(run, found))
    reader = run.reader(wanted.via)
    evidence = reader.read(state, wanted.window, run.now(), keep=True)
    enough(evidence, state, wanted.min_sandboxes)
    earlier = reader.earlier(state, run.now())
    full = _full(run, found, state)
    whitelist = _whitelist(wanted, found, full, evidence, earlier)
    bare = with_whole_layers(unprobed(found.configuration, state.before, state.probed), state.pruned)
    kept = sum(one.size for one in whitelist.decisions.values() if one.kept)
    known = (evidence, *(one.evidence for one in reversed(earlier)))
    touched = Touched(known, seen_layers(state, evidence.until), wanted.rules, kept)
    layers = run.layering(state.bucket).pruned(found, bare, touched)
    return redeploy(
        run, Choice(found, full, whitelist, wanted.settings, bare, layers, evidence, state, state, wanted.attach_policy)
    )


def _full(run: Run, found: Function, state: State) -> Taken:
    """The package that was probed: of a template's probe, the present code, of which is written down what it holds."""
    if state.mark:
        full = run.intake(state.bucket).take(None, found)
        run.workspace.describe(contents(full.package, distributions(full.source, full.package)))
        return full
    source = run.slimmer.source(state.full)
    full = Taken(index(source), source, state.full, None)
    check_probed(full.package, state)
    return full


def _whitelist(
    wanted: ShrinkWanted, found: Function, full: Taken, evidence: Evidence, earlier: tuple[Earlier, ...]
) -> Whitelist:
    installed, rules = distributions(full.source, full.package), of_package(wanted.rules)
    configuration = found.configuration
    whitelist = choose(full.package, installed, evidence, rules, configuration.handler, earlier)
    whitelist = replace(whitelist, runtime=configuration.runtime)
    return keep_too(whitelist, wanted.earlier) if wanted.earlier else whitelist


def deploy(run: Run, wanted: DeployWanted) -> models.ShrinkReport:
    """Slims a fresh build by the whitelist there is, and deploys it the same way."""
    found = run.aws.functions.get(wanted.function)
    full = run.intake(wanted.bucket).take(wanted.package, found)
    run.layering(wanted.bucket).check_handler(full.package, found.configuration)
    before = replace(wanted.whitelist, runtime=found.configuration.runtime)
    whitelist = carry_over(before, full.package, distributions(full.source, full.package), wanted.rules)
    earlier = _known(run, found)
    begun = begin(wanted.function, wanted.bucket, found, earlier, None, full.zip, run.now(), probing=False)
    if earlier:
        begun = replace(begun, events=earlier.events, answers=earlier.answers)
    back = earlier or replace(begun, stage=Stage.RESTORED)
    bare = unprobed(found.configuration, begun.before, begun.probed)
    layers = run.layering(wanted.bucket).as_they_are(bare)
    nothing = Evidence(full.zip.label, {})
    return redeploy(
        run, Choice(found, full, whitelist, wanted.settings, bare, layers, nothing, begun, back, wanted.attach_policy)
    )


# -- and back; leads to the exact state before the probe ---------------------------------------------------------


def restore(run: Run, function: str, *, over_others: bool) -> models.RestoreReport:
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
            "If that is what you want, give --force.",
        )
    steps = planner.restore(found, state)
    return restore_report(state, steps, run.carry_out(steps, found))


def status(run: Run, function: str, via: Via) -> models.StatusReport:
    """Which state the function is in and what has been seen so far; changes nothing."""
    found = run.aws.functions.get(function)
    state = known_state(function, standing(run, found))
    return status_report(found, state, run.reader(via).read(state, Window(), run.now(), keep=False))
