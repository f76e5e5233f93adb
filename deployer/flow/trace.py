"""A build and its events -> evidence, whitelist and slim zip on this machine: the pipeline with another source.

    build ─► full.zip ─► sandboxes with the probe ─► evidence ─► whitelist ─► slim.zip ─► sandboxes again, answers equal

Who runs a package is handed in (``deployer/local/trace.py``): this room knows nothing of sandboxes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Final, Protocol

from deployer import evidence as evidences
from deployer.aws.invocations import Reply
from deployer.deploy.recorded_events import read_events
from deployer.deploy.sending import Answered, Events, Session, send_rounds
from deployer.deploy.trial import Trial, digest
from deployer.errors import OverLimitError, PackageError, UsageError
from deployer.evidence.coverage import estimate
from deployer.evidence.invocations import median_start
from deployer.flow.apply import needs
from deployer.flow.guard import MACHINES, dropped_on_purpose
from deployer.flow.load_package import pack_build, read_full, sha256_of
from deployer.flow.page import account_of, content
from deployer.flow.reports import guard_report
from deployer.flow.since import rfc3339
from deployer.instrumentation.configure import PROBE_LAYER, arm, fitted
from deployer.limits import UNZIPPED
from deployer.models.evidence import Evidence, LogEvent
from deployer.models.function import Configuration
from deployer.models.package import Package, Source
from deployer.models.python import read_options
from deployer.models.settings import Guarding, Settings
from deployer.models.slim import Measure
from deployer.models.whitelist import Rules, Whitelist
from deployer.notices import Notices
from deployer.package import distributions, examine, handler_path, open_file
from deployer.package.wheels import check_wheels
from deployer.report import models, outcomes
from deployer.report import store as reports
from deployer.report.page import page
from deployer.report.reasons import reasons
from deployer.report.sent import check_some_answered
from deployer.slim.build import SlimPackage, SlimRequest, build
from deployer.slim.fit import check_fits
from deployer.slim.guard import GuardRequest
from deployer.sources.trace import TraceSource
from deployer.state.state import Recorded, carried
from deployer.state.workspace import EVIDENCE, LEAN, LIST, OUTCOMES, PAGE, REPORT, SLIM, WHITELIST, write_whole
from deployer.whitelist import Surroundings, choose, to_json, to_lean_json, to_list
from deployer.words import counted

_FULL: Final = "full.zip"
_FOREVER: Final = 1 << 62


@dataclass(frozen=True)
class TraceRequest:
    """What ``trace`` is asked for."""

    name: str
    package: Path
    """A folder or a zip."""
    configuration: Configuration
    events: Path
    rounds: int
    """All events are sent so often, each time to a fresh sandbox."""
    rules: Rules
    settings: Settings
    folder: Path
    """Where whitelist, zip, report and page are written."""


class Sandboxes(Session, Protocol):
    """Sandboxes of one package on this machine."""

    @property
    def log(self) -> Sequence[LogEvent]:
        """What they have logged so far."""
        ...


Open = Callable[[str, Path, Configuration], AbstractContextManager[Sandboxes]]
"""Opens sandboxes for the zip of a function of this name."""


@dataclass(frozen=True)
class _Full:
    """The full package, and what it did in the sandboxes."""

    path: Path
    source: Source
    package: Package
    evidence: Evidence
    answered: Sequence[Answered]


def trace(request: TraceRequest, sandboxes: Open, notices: Notices, now: Callable[[], int]) -> models.ShrinkReport:
    """Run the build with its events under the probe, and make the slim zip of what was touched.

    Raises:
        UsageError: there are no events or no package, or the runtime is not that of this machine.
        PackageError: the handler is not in it.
        LdeployError: every event failed.
        TrialFailedError: the slim package answers otherwise.
    """
    events = tuple(read_events(request.events))
    request.folder.mkdir(parents=True, exist_ok=True)
    path = _full_zip(request, notices)
    with open_file(path) as source:
        package = read_full(source, f"{request.package}", notices)
        _check_handler(package, request.configuration.handler)
        evidence, answered = _observe(request, package, path, (sandboxes, events), notices)
        full = _Full(path, source, package, evidence, answered)
        whitelist = _whitelist(request, full)
        slim = _slim(request, full, whitelist, notices)
        report = _report(request, full, slim)
        try:
            check_fits(package, whitelist, slim.measure.bytes, 0, "The slim package")
        except OverLimitError as error:
            report = replace(report, state="over_limit", warnings=(*report.warnings, f"{error}"))
        else:
            report = replace(report, after=_try(request, full, slim, sandboxes, notices))
        report = replace(report, made=rfc3339(now()))
        _write(request, full, slim, report)
    return report


def _check_handler(package: Package, handler: str) -> None:
    if handler_path(package, handler) is None:
        raise PackageError(
            f"The handler {handler} is not in the package.", "Name it as Lambda does: --handler module.function."
        )


def _full_zip(request: TraceRequest, notices: Notices) -> Path:
    if not request.package.exists():
        raise UsageError(f"There is no folder or zip {request.package}.", "Give the full build with --package.")
    if request.package.is_file():
        return request.package
    full = request.folder / _FULL
    with notices.bar(f"packing {request.package.name}", None) as advance:
        pack_build(request.package, full, notices, advance)
    return full


def _observe(
    request: TraceRequest, package: Package, path: Path, sending: tuple[Open, Events], notices: Notices
) -> tuple[Evidence, Sequence[Answered]]:
    """Send the events to the full package with the probe in; return what it logged, and what it answered."""
    label = carried(package.label, token_hex(8))
    sandboxes, events = sending
    notices.say(f"send {counted(len(events), 'event')} to the full package, with the probe in")
    with sandboxes(request.name, path, arm(request.configuration, PROBE_LAYER, label)) as session:
        answered = send_rounds(session, events, request.rounds, notices)
    check_some_answered([one.sent for one in answered])
    collection = TraceSource(session.log).begin(label)
    collection.collect(request.name, 0, _FOREVER, lambda _: None)
    return replace(collection.evidence(), package=package.label), answered


def _whitelist(request: TraceRequest, full: _Full) -> Whitelist:
    around = Surroundings(request.configuration.handler, request.configuration.environment)
    whitelist = choose(examine(full.source, full.package), full.evidence, request.rules, around)
    options = read_options(request.configuration.environment)
    return replace(whitelist, runtime=request.configuration.runtime, python=options)


def _slim(request: TraceRequest, full: _Full, whitelist: Whitelist, notices: Notices) -> SlimPackage:
    guard = None
    if request.settings.guard is not Guarding.OFF:
        purpose = dropped_on_purpose(whitelist, full.evidence)
        guard = GuardRequest(None, (MACHINES[request.configuration.architecture],), full.package.label, purpose)
    parts = SlimRequest(
        source=full.source,
        package=full.package,
        whitelist=whitelist,
        settings=request.settings,
        runtime=request.configuration.runtime,
        layered=False,
        evidence=full.evidence,
        path=request.folder / SLIM,
        guard=guard,
    )
    return build(parts, UNZIPPED, notices)


def _report(request: TraceRequest, full: _Full, slim: SlimPackage) -> models.ShrinkReport:
    folder, evidence, whitelist, package = request.folder, full.evidence, slim.whitelist, full.package
    start = median_start(_lines(one.reply for one in full.answered))
    doubts = check_wheels(full.source, package, request.configuration.runtime, request.configuration.architecture)
    return models.ShrinkReport(
        function=request.name,
        state="traced",
        before=Measure(package.files, package.bytes, package.zip_bytes, sha256_of(full.path), start),
        after=slim.measure,
        limits=models.limits(slim.measure, 0),
        sandboxes=evidence.sandboxes,
        invocations=evidence.invocations,
        coverage=estimate(evidence),
        lines=evidence.lines,
        faults=dict(evidence.faults),
        steps=slim.steps,
        reasons=reasons(package, whitelist.decisions),
        layers=(),
        artifacts=models.Artifacts(f"{folder / WHITELIST}", f"{folder / SLIM}", "", f"{folder / PAGE}"),
        plan=(),
        version="",
        guard=guard_report(slim),
        needs=needs(slim),
        failures=tuple(one.sent for one in full.answered if one.sent.failed),
        warnings=(*whitelist.warnings, *slim.warnings, *doubts, *models.warnings(evidence)),
    )


def _try(request: TraceRequest, full: _Full, slim: SlimPackage, sandboxes: Open, notices: Notices) -> Measure:
    """Send the events to the slim package, whose answers must be those of the full one; return its measure.

    Raises:
        TrialFailedError: they are not.
    """
    wanted = request.configuration
    wanted = fitted(wanted, slim.unpacked) if slim.unpacked or slim.guard else wanted
    recorded = Recorded(f"{request.events}", {one.event: digest(one.reply, one.payload) for one in full.answered})
    notices.say("send them to the slim package, without the probe")
    logs: list[str] = []
    with sandboxes(request.name, slim.path, wanted) as session:
        Trial(session.send, notices, request.name, True, logs).run(recorded)
    return replace(slim.measure, init_ms=median_start(line for log in logs for line in log.splitlines()))


def _lines(replies: Iterable[Reply]) -> Iterator[str]:
    return (line for reply in replies for line in reply.log.splitlines())


def _write(request: TraceRequest, full: _Full, slim: SlimPackage, report: models.ShrinkReport) -> None:
    """Write what a shrink leaves: whitelist, report, page, and what became of each file."""
    account = account_of(full.source, full.package, slim, full.evidence)
    written = {
        WHITELIST: to_json(slim.whitelist),
        LIST: to_list(slim.whitelist),
        LEAN: to_lean_json(slim.whitelist, distributions(full.source, full.package)),
        REPORT: reports.to_json(report),
        OUTCOMES: outcomes.to_json(account.outcomes),
        EVIDENCE: evidences.to_json(full.evidence),
        PAGE: page(content(report, account, "ldeploy trace", report.made)),
    }
    for name, text in written.items():
        write_whole(request.folder / name, text)
