"""Package + evidence -> whitelist and slim zip, written to the workspace and held against the limits."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from deployer import plan
from deployer.aws.storage import Storage
from deployer.errors import OverLimitError, TrialFailedError
from deployer.fit import fit, seconds
from deployer.function import Configuration, Function, State, StoredZip
from deployer.intake import Taken
from deployer.layer import start_files
from deployer.layering import Layer
from deployer.limits import UNZIPPED
from deployer.models import Decision, Evidence, Measure, Package, Saving, Source, Whitelist
from deployer.notices import Notices
from deployer.package import heaviest, index, open_file
from deployer.report.data import Reason
from deployer.slim import Action, Elsewhere, Recipe, Settings, pack, part, recipe, write_slim
from deployer.whitelist import to_json, to_list
from deployer.workspace import LIST, REST, SLIM, WHITELIST, Workspace


class Packing(StrEnum):
    """Where files go that leave the package."""

    INSIDE = "inside"
    IN_S3 = "in S3"


_PACKED: Final = {Packing.INSIDE: "packed, unpacked at start", Packing.IN_S3: "in S3, fetched at start"}


@dataclass(frozen=True)
class Slimmed:
    """A slim package on this machine."""

    whitelist: Whitelist
    measure: Measure
    zip: Path
    path: Path
    """Of the whitelist."""
    settings: Settings
    """The steps that were taken."""
    steps: tuple[Saving, ...]
    warnings: tuple[str, ...] = ()
    unpacked: int = 0
    """Bytes that are packed, and unpacked to /tmp at start."""
    rest: plan.Rest | None = None
    """Where they are not inside the package."""


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
            room: bytes under which it must stay unzipped; where it does not, scanned files are emptied too, then
                libraries and data are packed, then bytecode, which costs bytes, is left out, and last of all what is
                packed stays in S3.
        """
        slimmed = self._write(choice, choice.settings)
        for what, settings, packing in _smaller(choice):
            if slimmed.measure.bytes < room:
                break
            self.notices.say(f"not under the limit: {what}")
            slimmed = slimmed if settings == slimmed.settings else self._write(choice, settings)
            slimmed = self._packed(choice, slimmed, room, packing) if packing else slimmed
        return slimmed

    def _packed(self, choice: Choice, slimmed: Slimmed, room: int, packing: Packing) -> Slimmed:
        """The same under the limit, with what left it packed; or as it was, where that is not possible."""
        with open_file(slimmed.zip) as source:
            package = index(source)
        over = slimmed.measure.bytes - room + 1 + sum(len(data) for _, data in start_files())
        evidence, inside = choice.evidence, packing is Packing.INSIDE
        chosen = fit(package, over, evidence.paths, evidence.sandboxes, inside=inside)
        if over <= 0 or not chosen:
            return slimmed
        rest = None
        if inside:
            measure = pack(slimmed.zip, package, chosen)
        else:
            region = choice.found.arn.split(":")[3]
            elsewhere = Elsewhere(self.workspace.path(REST), choice.begun.bucket, region)
            measure, stored = part(slimmed.zip, package, chosen, elsewhere)
            rest = plan.Rest(elsewhere.path, stored)
        sizes = {path: package.entries[path].size for path in chosen}
        unpacked = sum(sizes.values())
        step = Saving(_PACKED[packing], len(chosen), unpacked, unpacked + measure.bytes - package.bytes)
        warnings = (*slimmed.warnings, costs(sizes, packing))
        return replace(
            slimmed, measure=measure, steps=(*slimmed.steps, step), warnings=warnings, unpacked=unpacked, rest=rest
        )

    def _write(self, choice: Choice, settings: Settings) -> Slimmed:
        package, whitelist = choice.full.package, choice.whitelist
        described = self.workspace.write(WHITELIST, to_json(whitelist))
        self.workspace.write(LIST, to_list(whitelist))
        path = self.workspace.path(SLIM)
        made = _recipe(choice, settings)
        with self.notices.bar("building the slim zip", made.work) as advance:
            slim = write_slim(choice.full.source, package, made, path, advance)
        return Slimmed(whitelist, slim.measure, path, described, settings, slim.steps, slim.warnings)


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


def with_steps(error: TrialFailedError, settings: Settings) -> TrialFailedError:
    """The same error, its advice with the steps that the new package had gone through."""
    steps = str(settings)
    tried = f" It was not the whitelist alone: {steps}." if steps else ""
    return TrialFailedError(error.what, error.advice + tried)


def costs(sizes: Mapping[str, int], packing: Packing) -> str:
    """What files that left the package cost, in a sentence.

    Args:
        sizes: path -> bytes.
        packing: where they went.
    """
    most = ", ".join(f"{path} {size / 1e6:.1f} MB" for path, size in sorted(sizes.items(), key=lambda one: -one[1])[:3])
    files = f"{len(sizes)} file{'s' * (len(sizes) != 1)} of {sum(sizes.values()) / 1e6:.1f} MB"
    time = f"{seconds(sizes.values()):.2f} s with two processors"
    if packing is Packing.INSIDE:
        how = f"packed inside the package, and unpacked to /tmp at each cold start, about {time}"
    else:
        how = f"fetched from S3 and unpacked to /tmp at each cold start, at least {time}"
    return f"{files} did not fit: {how} ({most})."


def _smaller(choice: Choice) -> Iterator[tuple[str, Settings, Packing | None]]:
    """What else can be done for a package that does not fit, one thing after the other."""
    settings = choice.settings
    emptied = replace(settings, empty=True)
    if not settings.empty and _recipe(choice, emptied).of(Action.EMPTY):
        settings = emptied
        yield "once more, with scanned files as empty ones", settings, None
    if settings.fit:
        yield "what is unpacked at start is packed", settings, Packing.INSIDE
    if settings.bytecode and settings.source:
        bare = replace(settings, bytecode=False)
        yield "once more, without bytecode", bare, None
        if settings.fit:
            yield "what is unpacked at start is packed", bare, Packing.INSIDE
    if settings.fit:
        yield "what is fetched at start stays in S3", settings, Packing.IN_S3


def _recipe(choice: Choice, settings: Settings) -> Recipe:
    runtime, layers = choice.found.configuration.runtime, choice.wanted.layers
    return recipe(choice.full.package, choice.whitelist, settings, runtime, layered=bool(layers))


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
