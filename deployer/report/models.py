"""What each command found and did: plain values, ready to be shown as text or JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.errors import ExitCode
from deployer.evidence.coverage import Coverage
from deployer.evidence.log_price import LogPrice
from deployer.limits import UNZIPPED, ZIPPED_DIRECT
from deployer.models.evidence import Evidence, LineCount
from deployer.models.slim import Measure, Saving
from deployer.report.checks import DoctorReport
from deployer.report.clean_report import CleanReport
from deployer.report.deployed import Deployed
from deployer.report.faults import explained
from deployer.report.reasons import Reason
from deployer.report.sent import Sent
from deployer.report.shift_report import ShiftReport
from deployer.report.since import Since
from deployer.report.trial_report import TrialReport
from deployer.report.why_report import WhyReport
from deployer.words import counted


@dataclass(frozen=True)
class Limits:
    """Lambda's limits for a package, and what is left of them (bytes; below zero is over)."""

    unzipped: int
    unzipped_left: int
    zipped: int
    zipped_left: int


def limits(package: Measure, layers: int) -> Limits:
    """Return how a package and its layers stand against the limits.

    Args:
        package: the package.
        layers: bytes of all layers, unzipped.
    """
    return Limits(
        unzipped=UNZIPPED,
        unzipped_left=UNZIPPED - package.bytes - layers,
        zipped=ZIPPED_DIRECT,
        zipped_left=ZIPPED_DIRECT - package.zip_bytes,
    )


@dataclass(frozen=True)
class Artifacts:
    """The files that a shrink writes."""

    whitelist: str
    zip: str
    s3_uri: str
    page: str = ""
    """The report as a page."""


@dataclass(frozen=True)
class Unpacked:
    """What a package over Lambda's limit needs while it is probed."""

    storage: int
    """MB of /tmp."""
    memory: int
    """MB."""
    timeout: int
    """Seconds."""


@dataclass(frozen=True)
class ProbeReport:
    """The answer to ``probe``."""

    function: str
    state: str
    package: Measure
    label: str
    log_group: str
    plan: tuple[str, ...]
    version: str
    """The version published of what was there before."""
    answers: int
    failed: int
    sample: float
    """The share of sandboxes that report."""
    price: LogPrice
    """What the records will cost."""
    unpacked: Unpacked | None = None
    """None where the package is deployed as it is."""
    events: tuple[Sent, ...] = ()
    """Those that were sent, without their answers."""
    effect: tuple[str, ...] = ()
    """The plan as what comes (+), goes (-) and is another afterwards (~)."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerReport:
    """One of the function's layers (bytes unzipped)."""

    layer: str
    """ARN of the layer as the user made it."""
    pruned: bool
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    why: str
    """Why it is not pruned; empty where it is, or where it was not checked."""


@dataclass(frozen=True)
class GuardReport:
    """How what was dropped can be brought back."""

    mode: str = "off"
    """``inside``, ``s3`` or ``off``."""
    files: int = 0
    bytes: int = 0
    """Of those files, unpacked."""
    added: int = 0
    """Bytes that it costs in the package, unzipped."""
    zip_added: int = 0
    """Bytes that it costs in the zip."""
    otherwise: int = 0
    """Bytes that the other way would cost in the zip: from S3; inside, at most."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Dropped files that nobody could use at run time, and that cannot be brought back: kind -> bytes."""


@dataclass(frozen=True)
class ShrinkReport:
    """The answer to ``shrink`` and ``deploy``."""

    function: str
    state: str
    before: Measure
    after: Measure
    limits: Limits
    sandboxes: int
    invocations: int
    coverage: Coverage
    lines: LineCount
    faults: dict[str, int]
    steps: tuple[Saving, ...]
    """What the whitelist and each step behind it saved and cost."""
    reasons: tuple[Reason, ...]
    layers: tuple[LayerReport, ...]
    artifacts: Artifacts
    plan: tuple[str, ...]
    version: str
    """The version published of the new package."""
    made: str = ""
    """When it was deployed, or planned: RFC 3339."""
    guard: GuardReport = field(default_factory=GuardReport)
    trial: TrialReport | None = None
    """None where no recorded event was tried."""
    shift: str = ""
    """How the shift of traffic ended, where there was one."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Of a trace: what the function's properties in the template must be, by name."""
    failures: tuple[Sent, ...] = ()
    """Of a trace: the events on which the full package failed."""
    effect: tuple[str, ...] = ()
    """The plan as what comes (+), goes (-) and is another afterwards (~)."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApplyReport:
    """The answer to ``apply``."""

    folder: str
    state: str
    """``applied``, or ``unchanged`` where the folder holds nothing of what the whitelist drops."""
    before: Measure
    after: Measure
    """Its zip is the same for the same build; SAM makes another one of the folder."""
    limits: Limits
    stale: tuple[str, ...]
    """The distributions that changed since the evidence was collected, kept whole: ``numpy 1.26.4 → 2.0.0``."""
    steps: tuple[Saving, ...] = ()
    reasons: tuple[Reason, ...] = ()
    zip: str = ""
    needs: Mapping[str, str] = field(default_factory=dict)
    """What the function's properties in the template must be, by name, for what is unpacked at start."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RestoreReport:
    """The answer to ``restore``."""

    function: str
    state: str
    sha256: str
    plan: tuple[str, ...]
    effect: tuple[str, ...] = ()
    """The plan as what comes (+), goes (-) and is another afterwards (~)."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatusReport:
    """The answer to ``status``."""

    function: str
    state: str
    armed: bool
    deployed: Deployed
    sample: float
    """The share of sandboxes that the probe was told to let report."""
    sha256: str
    evidence: Evidence
    coverage: Coverage
    after_shrink: Since | None = None
    """None where no slim package is deployed."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class InvokeReport:
    """The answer to ``invoke``."""

    function: str
    state: str
    """``answered``, or ``failed`` where every event did."""
    answers: int
    failed: int
    events: tuple[Sent, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FailedReport:
    """The failure of one of several functions."""

    function: str
    error: str
    exit_code: ExitCode
    state: str = "failed"
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CommentReport:
    """The answer to ``report --markdown``."""

    function: str
    markdown: str
    state: str
    """That of the shrink."""
    warnings: tuple[str, ...] = ()


Report = (
    ProbeReport
    | ShrinkReport
    | ApplyReport
    | RestoreReport
    | StatusReport
    | DoctorReport
    | InvokeReport
    | FailedReport
    | CommentReport
    | WhyReport
    | ShiftReport
    | CleanReport
)


def sampled(share: float, events: int) -> tuple[str, ...]:
    """Return a warning for the sender of events where only a share of the sandboxes reports."""
    if share == 1 or not events:
        return ()
    return (f"A share of {share:g} of the sandboxes reports: what the events touched may not be in the log.",)


def warnings(evidence: Evidence) -> tuple[str, ...]:
    """Return what the reader of this evidence should know: what the probe could not see, and what its log lost."""
    lines = evidence.lines
    found = [explained(name, count) for name, count in evidence.faults.items()]
    if lines.missing:
        found.append(
            f"Lost: {counted(lines.missing, 'record')}, cut off in the log or missing from it, with the paths in it."
        )
    if lines.misfit:
        found.append(f"Left out: {counted(lines.misfit, 'line')} that looked like a record and did not fit.")
    if lines.other_package:
        found.append(f"Of another package: {counted(lines.other_package, 'record')}, which count for that one only.")
    return tuple(found)
