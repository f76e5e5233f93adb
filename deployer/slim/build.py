"""Builds the slim zip of a package and a whitelist; where it does not fit, takes one more step after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from deployer.errors import UsageError
from deployer.instrumentation.layer_zip import start_files
from deployer.models.evidence import Evidence
from deployer.models.function import StoredZip
from deployer.models.package import Package, Source
from deployer.models.slim import Measure, Saving
from deployer.models.whitelist import Reason, Whitelist
from deployer.notices import Notices
from deployer.package import index, open_file
from deployer.package.pyc import source_of
from deployer.slim import Bucket, Recipe, Settings, pack, part, recipe, write_slim
from deployer.slim.fit import fit, most, seconds
from deployer.slim.guard import Guarded, GuardRequest, guard, most_room
from deployer.slim.transforms.bytecode import AddBytecode
from deployer.slim.transforms.empty import EmptyScanned
from deployer.words import counted, megabytes


class Packing(StrEnum):
    """Where files go that do not fit into the package."""

    INSIDE = "inside"
    IN_S3 = "in S3"


COMPILED: Final = 4_400_000
"""Bytes of sources that a processor of 2 GHz and more compiles in a second; with a share of one it takes longer."""
REST: Final = "rest.zip"
"""The zip of what does not fit into the slim package, beside it."""
_PACKED: Final = {Packing.INSIDE: "packed, unpacked at start", Packing.IN_S3: "in S3, fetched at start"}


@dataclass(frozen=True)
class SlimRequest:
    """What a slim package is made of."""

    source: Source
    package: Package
    """The full one: the source's index."""
    whitelist: Whitelist
    settings: Settings
    runtime: str
    """As Lambda names it: ``python3.11``."""
    layered: bool
    """Whether there are, or may be, layers beside it."""
    evidence: Evidence
    """What tells which files each start needs; empty where there is none."""
    path: Path
    """Where the slim zip is written."""
    bucket: Bucket | None = None
    """Where the rest is put that is over the limit even packed; None where it may not leave the package."""
    guard: GuardRequest | None = None
    """How what is dropped can be brought back; None where it cannot."""


@dataclass(frozen=True)
class SlimPackage:
    """A slim package on this machine."""

    path: Path
    """Of the zip."""
    whitelist: Whitelist
    measure: Measure
    settings: Settings
    """The steps that were taken."""
    steps: tuple[Saving, ...]
    warnings: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Path -> bytes of what is packed, and unpacked to /tmp at start."""
    rest: StoredZip | None = None
    """Where those files are not inside the package."""
    guard: Guarded | None = None
    """What can be brought back, where the package is guarded."""

    @property
    def unpacked(self) -> int:
        """Bytes that each start unpacks."""
        return sum(self.sizes.values())

    @property
    def rest_path(self) -> Path:
        """Where the zip of ``rest`` is on this machine."""
        return self.path.with_name(REST)


def build(request: SlimRequest, room: int, notices: Notices) -> SlimPackage:
    """Build the slim zip.

    Args:
        request: what it is made of.
        room: bytes under which it must stay unzipped. Where it does not, scanned files are emptied too, then libraries
        and data are packed, then bytecode is left out, and last of all what is packed stays in S3. The caller checks
        that it was enough.
        notices: who is told.

    A step that cannot be enough, because the zip itself is too big, is not tried.
    """
    built = _write(request, request.settings, notices)
    for what, settings, packing in _smaller(request):
        if built.measure.bytes < room:
            break
        if settings.empty == built.settings.empty and packing is not Packing.IN_S3 and _weighs(built) >= room:
            continue
        notices.say(f"over the limit: {what}")
        built = built if settings == built.settings and not built.sizes else _write(request, settings, notices)
        built = _packed(request, built, room, packing) if packing else built
    built = replace(built, warnings=(*built.warnings, *_bigger(request, built)))
    built = _guarded(request, built, room, notices)
    _check_rare(request, built)
    return built


def _check_rare(request: SlimRequest, built: SlimPackage) -> None:
    """Refuse a package without what is rare, where the guard cannot bring that back.

    Raises:
        UsageError: the package is not guarded, or not all of it.
    """
    rare = {path for path, one in request.whitelist.decisions.items() if one.reason is Reason.RARE and not one.kept}
    served = built.guard.paths if built.guard else frozenset()
    lost = {path for path in rare - served if source_of(path) not in served}  # bytecode is made of its source again
    if lost:
        raise UsageError(
            f"{counted(len(lost), 'file')} that is rarely touched could not be brought back, such as {min(lost)}.",
            "Guard the package (--guard inside or s3), or shrink without --rare.",
        )


def _bigger(request: SlimRequest, built: SlimPackage) -> Iterator[str]:
    """Say that the slim zip is bigger than the full one, and what it has for it: faster starts, by bytecode."""
    before, after = request.package.zip_bytes, built.measure.zip_bytes
    if after <= before or built.rest:
        return
    told = f"The slim zip has {after:,} bytes, more than the full one's {before:,}"
    sources = sum(request.package.entries[path].size for path in _recipe(request, built.settings).of(AddBytecode))
    if not sources:
        yield f"{told}."
        return
    seconds_saved = sources / COMPILED
    yield (
        f"{told}: bytecode is why, and saves each cold start the compiling of {sources:,} bytes of sources, about "
        f"{seconds_saved:.3f} s of a whole processor. --no-bytecode leaves it out, --no-source the sources."
    )


def _guarded(request: SlimRequest, built: SlimPackage, room: int, notices: Notices) -> SlimPackage:
    """Guard the package, or leave it as it is where it would not fit then, and say so."""
    if request.guard is None:
        return built
    notices.step("guard what was dropped")
    out = request.path.with_name(f".{request.path.name}.guarded")
    made = guard(request.path, request.source, request.package, request.guard, out)
    if made.measure.bytes >= room > built.measure.bytes:
        out.unlink()
        over = f"with the guard the package would have {made.measure.bytes:,} bytes unzipped, and may have {room:,}"
        advice = "" if request.guard.where else "; what was dropped can stay in S3: --guard s3 --attach-policy"
        return replace(built, warnings=(*built.warnings, f"What was dropped cannot be brought back: {over}{advice}."))
    out.replace(request.path)
    step = Saving(f"guarded, {made.mode}", made.files, 0, made.added)
    return replace(built, measure=made.measure, steps=(*built.steps, step), guard=made)


def _weighs(built: SlimPackage) -> int:
    """Return the bytes that stay inside whatever is packed: those of the zip, without bytecode, which may go too."""
    return built.measure.zip_bytes - sum(step.bytes_after for step in built.steps if step.name == AddBytecode.name)


def _write(request: SlimRequest, settings: Settings, notices: Notices) -> SlimPackage:
    made = _recipe(request, settings)
    with notices.bar("building the slim zip", made.work) as advance:
        slim = write_slim(request.source, request.package, made, request.path, advance)
    return SlimPackage(request.path, request.whitelist, slim.measure, settings, slim.steps, slim.warnings)


def _recipe(request: SlimRequest, settings: Settings) -> Recipe:
    return recipe(request.package, request.whitelist, settings, request.runtime, layered=request.layered)


def _smaller(request: SlimRequest) -> Iterator[tuple[str, Settings, Packing | None]]:
    """Yield what else can be done for a package that does not fit, one thing after the other."""
    settings = request.settings
    emptied = replace(settings, empty=True)
    if not settings.empty and _recipe(request, emptied).of(EmptyScanned):
        settings = emptied
        yield "building again, with scanned files empty", settings, None
    if settings.fit:
        yield "what is unpacked at start is packed", settings, Packing.INSIDE
    if settings.bytecode and settings.source:
        bare = replace(settings, bytecode=False)
        yield "building again, without bytecode", bare, None
        if settings.fit:
            yield "what is unpacked at start is packed", bare, Packing.INSIDE
    if settings.fit and request.bucket:
        yield "what is fetched at start stays in S3", settings, Packing.IN_S3


def _packed(request: SlimRequest, built: SlimPackage, room: int, packing: Packing) -> SlimPackage:
    """Pack the files that are over the limit; return the same where that is not possible."""
    with open_file(request.path) as source:
        package = index(source)
    over = built.measure.bytes - room + 1 + sum(len(data) for _, data in start_files())
    if over > 0 and request.guard and request.guard.where:
        over += most_room(request.package, request.guard)
    evidence = request.evidence
    chosen = fit(package, over, evidence.paths, evidence.sandboxes, inside=packing is Packing.INSIDE)
    if over <= 0 or not chosen:
        return built
    rest = None
    if packing is Packing.IN_S3 and request.bucket:
        measure, rest = part(request.path, package, chosen, built.rest_path, request.bucket)
    else:
        measure = pack(request.path, package, chosen)
    sizes = {path: package.entries[path].size for path in chosen}
    unpacked = sum(sizes.values())
    step = Saving(_PACKED[packing], len(chosen), unpacked, unpacked + measure.bytes - package.bytes)
    warnings = (*built.warnings, _costs(sizes, packing))
    return replace(built, measure=measure, steps=(*built.steps, step), warnings=warnings, sizes=sizes, rest=rest)


def _costs(sizes: Mapping[str, int], packing: Packing) -> str:
    """Return in a sentence what files that left the package cost."""
    files = f"{counted(len(sizes), 'file')} of {megabytes(sum(sizes.values()))}"
    time = f"{seconds(sizes.values()):.2f} s with two processors"
    if packing is Packing.INSIDE:
        how = f"packed inside the package, and unpacked to /tmp at each cold start, about {time}"
    else:
        how = f"fetched from S3 and unpacked to /tmp at each cold start, at least {time}"
    return f"{files} did not fit: {how} ({most(sizes, 3)})."
