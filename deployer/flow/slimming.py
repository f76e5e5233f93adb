"""Package + evidence -> whitelist and slim zip, written to the workspace and held against the limits."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.aws.storage import Storage
from deployer.deploy import planner
from deployer.deploy.prune_layers import Layer
from deployer.errors import OverLimitError, TrialFailedError
from deployer.flow.load_package import Taken
from deployer.limits import UNZIPPED
from deployer.models.evidence import Evidence
from deployer.models.function import Configuration, Function, StoredZip
from deployer.models.package import Package, Source
from deployer.models.slim import Measure
from deployer.models.whitelist import Decision, Whitelist
from deployer.notices import Notices
from deployer.package import heaviest, open_file
from deployer.report.models import Reason
from deployer.slim import Elsewhere, Settings
from deployer.slim.build import Built, Parts, build
from deployer.state.state import State
from deployer.state.workspace import LIST, REST, SLIM, WHITELIST, Workspace
from deployer.whitelist import to_json, to_list


@dataclass(frozen=True)
class Slimmed:
    """A slim package on this machine."""

    whitelist: Whitelist
    path: Path
    """Of the whitelist."""
    zip: Path
    built: Built
    rest: planner.Rest | None
    """What of it stays in S3."""


@dataclass(frozen=True)
class Choice:
    """A whitelist that was chosen for a full package, and what it is to replace."""

    found: Function
    full: Taken
    whitelist: Whitelist
    settings: Settings
    wanted: Configuration
    """Without the probe, with the user's own layers."""
    layers: tuple[Layer, ...]
    evidence: Evidence
    """Empty where the whitelist was carried over."""
    begun: State
    """How things stand when the redeployment begins."""
    earlier: State
    """How things stood: what a failed trial leads back to."""
    attach_policy: bool = False
    """Whether the function's role may be given leave to read what stays in S3."""


@dataclass(frozen=True)
class Slimmer:
    """Writes a function's whitelist and slim zip."""

    storage: Storage
    workspace: Workspace
    notices: Notices

    def source(self, stored: StoredZip) -> Source:
        """The full package's zip: the one that was packed here, or the object in S3 by range requests."""
        packed = self.workspace.packed(stored.sha256)
        if packed.exists():
            return open_file(packed)
        return self.storage.source(stored.bucket, stored.key)

    def write(self, choice: Choice, room: int) -> Slimmed:
        """The whitelist, as JSON and as a plain list, and the slim zip made by it.

        Args:
            choice: the package and what is kept of it.
            room: bytes under which it must stay unzipped (deployer/slim/build.py).
        """
        described = self.workspace.write(WHITELIST, to_json(choice.whitelist))
        self.workspace.write(LIST, to_list(choice.whitelist))
        region = choice.found.arn.split(":")[3]
        elsewhere = Elsewhere(self.workspace.path(REST), choice.begun.bucket, region)
        parts = Parts(
            choice.full.source,
            choice.full.package,
            choice.whitelist,
            choice.settings,
            choice.found.configuration.runtime,
            layered=bool(choice.wanted.layers),
            evidence=choice.evidence,
            path=self.workspace.path(SLIM),
            elsewhere=elsewhere,
        )
        built = build(parts, room, self.notices)
        rest = planner.Rest(elsewhere.path, built.rest) if built.rest else None
        return Slimmed(choice.whitelist, described, parts.path, built, rest)


def check_fits(package: Package, size: int, layers: int, what: str) -> None:
    """Whether code and layers stay under Lambda's limit.

    Args:
        package: the package, for what weighs most.
        size: bytes of the code, unzipped.
        layers: bytes of all layers, unzipped.
        what: what does not fit, for the message.

    Raises:
        OverLimitError: they do not; it names what weighs most.
    """
    over = size + layers - UNZIPPED
    if over < 0:  # "must be smaller than 262144000 bytes"
        return
    parts = ", ".join(f"{name} {weight / 1e6:.1f} MB" for name, weight in heaviest(package, 5))
    and_layers = f" and {layers:,} in layers" if layers else ""
    raise OverLimitError(
        f"{what} has {size:,} bytes unzipped{and_layers}, {over:,} over Lambda's {UNZIPPED:,}.",
        f"What weighs most: {parts}.",
    )


def kept_of(package: Package, whitelist: Whitelist) -> Package:
    """What a whitelist keeps of a package."""
    return replace(package, entries={path: package.entries[path] for path in whitelist.kept()})


def with_steps(error: TrialFailedError, settings: Settings) -> TrialFailedError:
    """The same error, its advice with the steps that the new package had gone through."""
    steps = str(settings)
    tried = f" It was not the whitelist alone: {steps}." if steps else ""
    return TrialFailedError(error.what, error.advice + tried)


def measured(stored: StoredZip) -> Measure:
    """A zip in S3 as a measure."""
    return Measure(stored.files, stored.bytes, stored.zip_bytes, stored.sha256)


def reasons(decisions: Iterable[Decision]) -> tuple[Reason, ...]:
    """What each reason amounts to, the kept ones first, the heaviest first."""
    amounts: defaultdict[tuple[bool, str], list[int]] = defaultdict(list)
    for decision in decisions:
        amounts[decision.kept, decision.reason].append(decision.size)
    rows = [Reason(reason, kept, len(sizes), sum(sizes)) for (kept, reason), sizes in amounts.items()]
    return tuple(sorted(rows, key=lambda row: (not row.kept, -row.bytes)))
