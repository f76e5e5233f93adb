"""THE FLOW. Read this first.

    full package ─► index ─► probe deployed ─► real invocations ─► CloudWatch ─► evidence
                                                                                    │
    redeployed, verified, reversible ◄─ plan ◄─ slim zip ◄─ whitelist, each path with its reason

Two runs, with hours or weeks of traffic between them: ``probe`` ends at "probe deployed", ``shrink`` begins at
"CloudWatch". Each looks at what is (reads only), decides (values only), and carries out a plan: the only part that
changes anything, and ``--plan`` stops before it.
"""

from dataclasses import replace
from secrets import token_hex

from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.executor import Executor
from deployer.deploy.prune_layers import LayerUsage, check_handler, find_surroundings, measure_layers, prune_layers
from deployer.deploy.recorded_events import check_events
from deployer.errors import UsageError
from deployer.flow import restore as flow
from deployer.flow.aliases import choose_alias
from deployer.flow.elsewhere import of_versions
from deployer.flow.load_package import LoadedPackage, full_source, load_package, read_full
from deployer.flow.models import Delivery, DeployRequest, ProbeRequest, RedeployRequest, RestoreRequest, ShrinkRequest
from deployer.flow.oversize import plan_probe
from deployer.flow.preflight import check_name, check_network, check_package, check_surroundings, refuse
from deployer.flow.redeploy import redeploy
from deployer.flow.reports import mark_past, probe_report, status_report
from deployer.flow.shift import check_none_under_way, take_up, under_way
from deployer.flow.together import sharers
from deployer.instrumentation.configure import check, check_runtime, is_by_template, log_warnings, raised, unprobed
from deployer.models.evidence import Evidence
from deployer.models.function import Function
from deployer.models.python import read_options
from deployer.models.whitelist import Whitelist
from deployer.package import distributions, examine
from deployer.report import models
from deployer.sources.reader import Window, enough, open_reader
from deployer.state.baseline import (
    Beginning,
    before_ours,
    begin,
    check_probed,
    known_state,
    of_this_function,
    probed_state,
    seen_layers,
    taken_over,
    with_whole_layers,
)
from deployer.state.stages import Act, Stage
from deployer.state.state import Recorded, State
from deployer.whitelist import Earlier, Surroundings, carry_over, choose, keep_too, take_inventory

# -- full package -> probe deployed; changes nothing before what was there is written down -----------------------


def probe(context: Context, executor: Executor, request: ProbeRequest) -> models.ProbeReport:
    """Deploy the full package with the probe in."""
    check_none_under_way(context, request.function)
    found = context.aws.functions.find(request.function)
    _check_request(found, request)
    full = load_package(context, request.bucket, request.package, found)
    plan = plan_probe(context, request, full, _begin_probe(context, request, found, full))
    doubts = _preflight(context, found, full, request.alias, over=plan.state.packages.stub is not None)
    check_name(context, full, plan.state.probe.configuration)
    plan = replace(plan, warnings=(*plan.warnings, *log_warnings(found), *doubts), alias=request.alias)
    held = take_inventory(full.package, distributions(full.source, full.package))
    steps = planner.probe(found, plan, held, request.bucket if request.make_bucket else None, _sending(request))
    done = executor.carry_out(context, steps, found)
    if done:
        mark_past(context.workspace, "probed")
    return probe_report(plan, full, steps, done)


def _sending(request: ProbeRequest) -> planner.Invoke | None:
    return planner.Invoke(request.function, request.events, request.cold) if request.events else None


def _check_request(found: Function | None, request: ProbeRequest) -> None:
    if request.alias and not found:
        raise UsageError(f"{request.function} is not there yet and has no alias {request.alias}.", "Omit --alias.")
    if found:
        check(found)
    elif request.create:
        check_runtime(request.create.runtime)
    if request.events:
        check_events(request.events)


def _preflight(
    context: Context, found: Function | None, full: LoadedPackage, alias: str, *, over: bool
) -> tuple[str, ...]:
    """Return what to know before the probe is deployed; raise where it cannot be."""
    if found is None:
        return ()
    network = check_network(found, context.aws.region, over=over)
    aliases = of_versions(context.aws, found.name, but=alias).unprobed()
    return aliases + refuse(
        [*check_surroundings(context.aws, found), *network, *check_package(full.source, full.package, found)]
    )


def _begin_probe(context: Context, request: ProbeRequest, found: Function | None, full: LoadedPackage) -> State:
    """Return the state that the probe begins with: what was before, and what is wanted for as long as it is in."""
    known = _known(context, found)
    start = Beginning(request.function, request.bucket, full.zip, request.create, nonce=token_hex(8))
    state = begin(start, found, known, context.now())
    wanted = raised(state.probe.configuration, request.memory, request.timeout)
    state = replace(state, probe=replace(state.probe, configuration=wanted, sample=request.sample), left=wanted)
    if request.alias:
        state, _ = choose_alias(context, state, Delivery(alias=request.alias, over_weights=request.over_weights))
    return replace(state, recorded=Recorded(str(request.events.absolute()))) if request.events else state


def _known(context: Context, found: Function | None) -> State | None:
    return of_this_function(context.workspace.state(), found, context.aws.region)


def current_state(context: Context, found: Function) -> State | None:
    """Return the state of a function, as far as is known; take over a probe that a template put in.

    Raises:
        UsageError: it is to be taken over, and nobody says in which bucket ldeploy may keep its own.
    """
    known = _known(context, found)
    if not is_by_template(found.configuration):
        return known
    bucket = context.workspace.bucket
    if bucket is None:
        raise UsageError(f"The probe of {found.name} is a template's.", "Give --bucket, or --stack-name.")
    full = load_package(context, bucket, None, found)
    return taken_over(found, bucket, known, full.zip, context.now())


# -- CloudWatch -> evidence -> whitelist -> slim zip -> redeployed; never with less evidence than was asked for ----


def shrink(context: Context, executor: Executor, request: ShrinkRequest) -> models.ShrinkReport:
    """Read the log, write the whitelist, build the slim zip and redeploy it without the probe."""
    if shift := under_way(context, request.function):
        return take_up(context, executor, shift)
    found = context.aws.functions.get(request.function)
    state = probed_state(found, current_state(context, found))
    reader = open_reader(context, request.via)
    evidence = reader.read(state, request.window, context.now(), keep=True)
    enough(evidence, state, request.min_sandboxes, allow_lost=request.allow_lost)
    earlier = reader.earlier(state, context.now())
    full = _full(context, found, state)
    baseline = replace(state.baseline, configuration=before_ours(state, found))
    bare = with_whole_layers(
        unprobed(found.configuration, baseline.configuration, state.probe.configuration), state.pruned
    )
    begun = replace(state, baseline=baseline, left=bare)
    around = find_surroundings(context.aws, bare)
    whitelist = _whitelist(request, full, evidence, around, earlier)
    whitelist = replace(whitelist, runtime=bare.runtime, python=read_options(bare.environment))
    kept = sum(one.size for one in whitelist.decisions.values() if one.kept)
    others = tuple(sharers(context, request.together, request.via)) if bare.layers else ()
    known = (evidence, *(one.evidence for one in reversed(earlier)), *(one.evidence for one in others))
    sharing = {one.function: one.layers for one in others}
    usage = LayerUsage(known, seen_layers(state, evidence.until), request.rules, kept, sharing)
    layers = prune_layers(context, state.bucket, found, bare, usage)
    begun, delivery = choose_alias(context, begun, request.delivery)
    parts = (found, full, whitelist, request.settings, layers, evidence)
    return redeploy(
        context,
        executor,
        RedeployRequest(*parts, begun, state, Act.SHRINK, delivery, same_code=True),
    )


def _full(context: Context, found: Function, state: State) -> LoadedPackage:
    """Return the package that was probed: of a template's probe, the present code, whose contents are written down."""
    if state.probe.mark:
        full = load_package(context, state.bucket, None, found)
        context.workspace.describe(take_inventory(full.package, distributions(full.source, full.package)))
        return full
    source = full_source(context, state.packages.full)
    package = read_full(source, f"{state.packages.full}", context.notices)
    full = LoadedPackage(package, source, state.packages.full, None)
    check_probed(full.package, state)
    return full


def _whitelist(
    request: ShrinkRequest, full: LoadedPackage, evidence: Evidence, around: Surroundings, earlier: tuple[Earlier, ...]
) -> Whitelist:
    whitelist = choose(examine(full.source, full.package), evidence, request.rules, around, earlier)
    return keep_too(whitelist, request.earlier) if request.earlier else whitelist


def deploy(context: Context, executor: Executor, request: DeployRequest) -> models.ShrinkReport:
    """Slim a fresh build by the whitelist there is, and deploy it the same way."""
    if shift := under_way(context, request.function):
        return take_up(context, executor, shift)
    found = context.aws.functions.get(request.function)
    full = load_package(context, request.bucket, request.package, found)
    check_handler(context.aws, full.package, found.configuration)
    earlier = _known(context, found)
    start = Beginning(request.function, request.bucket, full.zip, probing=False)
    begun = begin(start, found, earlier, context.now())
    if earlier:
        begun = replace(begun, recorded=earlier.recorded)
    back = earlier or replace(begun, stage=Stage.RESTORED)
    bare = unprobed(found.configuration, begun.baseline.configuration, begun.probe.configuration)
    begun = replace(begun, left=bare)
    layers, around = measure_layers(context.aws, bare), find_surroundings(context.aws, bare)
    known = replace(request.whitelist, runtime=bare.runtime, python=read_options(bare.environment))
    whitelist = carry_over(known, examine(full.source, full.package), request.rules, around)
    begun, delivery = choose_alias(context, begun, request.delivery)
    parts = (found, full, whitelist, request.settings, layers, Evidence(full.zip.label, {}))
    return redeploy(
        context,
        executor,
        RedeployRequest(*parts, begun, back, Act.DEPLOY, delivery, same_code=False),
    )


# -- and back; leads to the exact state before the probe ---------------------------------------------------------


def restore(context: Context, executor: Executor, request: RestoreRequest) -> models.RestoreReport:
    """Make the function exactly what it was before the last probe or deploy."""
    return flow.restore(context, executor, request)


def status(context: Context, function: str, via: str) -> models.StatusReport:
    """Report which state the function is in and what has been seen so far; change nothing."""
    found = context.aws.functions.get(function)
    state = known_state(function, current_state(context, found))
    evidence = open_reader(context, via).read(state, Window(), context.now(), keep=False)
    return status_report(context, found, state, evidence)
