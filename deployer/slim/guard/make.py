"""Slim zip + full package -> the guarded zip: links, index, blocks, and what brings them back."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from deployer.instrumentation.layer_zip import MACHINES, START, guard_files
from deployer.instrumentation.manifest import FOLDER, InBucket, empty_folders
from deployer.models.dates import seconds_of
from deployer.models.package import Entry, Kind, Package, Source
from deployer.models.slim import Measure
from deployer.package import index, members, open_file, zipformat
from deployer.package.small import Small, small_file, symlink
from deployer.slim.buffers import hold
from deployer.slim.guard.blocks import Packed, write_blocks
from deployer.slim.guard.needs import Dynamic, is_candidate, read_dynamic, resolve
from deployer.slim.guard.plan import TREE, GuardPlan, Planned, plan
from deployer.slim.pack import copy
from probe_layer.guard import index as layout
from probe_layer.guard.index import Row

_KINDS: Final = {"file": layout.FILE, "folder": layout.FOLDER, "keeper": layout.KEEPER, "soname": layout.SONAME}


_PER_PATH: Final = 160
"""Bytes that a path takes in the index and in a link, beside its name that stands in each."""


class GuardMode(StrEnum):
    """Where the bytes of what was dropped lie."""

    INSIDE = "inside"
    """In the package, in blocks."""
    S3 = "s3"
    """In the full package's zip, read by ranges."""


@dataclass(frozen=True)
class Guarded:
    """A guarded zip."""

    mode: GuardMode
    measure: Measure
    """Of the guarded zip; ``files`` counts its links too."""
    files: int
    """Dropped files that can be brought back."""
    bytes: int
    """Of those, unpacked."""
    links: int
    """Symlinks that stand in their place; a dropped folder is one."""
    added: int
    """Bytes by which the package grew, unzipped."""
    zip_added: int
    """Bytes by which its zip grew."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Dropped files that are not guarded, as nobody could use them at run time: kind -> bytes."""
    paths: frozenset[str] = frozenset()
    """Of the files that can be brought back."""
    otherwise: int = 0
    """Bytes by which the zip would have grown the other way: from S3; inside, at most."""


@dataclass(frozen=True)
class _Survey:
    """What reading a full package tells."""

    digests: Mapping[int, bytes]
    """Offset of an entry -> SHA-256 of its contents."""
    dynamics: Mapping[str, Dynamic]


@dataclass(frozen=True)
class GuardRequest:
    """How a package is guarded."""

    where: InBucket | None = None
    """The full package's zip in S3, to read ranges of; None: what was dropped goes into the package."""
    machines: tuple[str, ...] = MACHINES
    """The architectures that it is to run on, of ``MACHINES``."""
    label: str = ""
    """What lines of the log are to carry for this package; empty for the full package's label."""
    unguarded: frozenset[str] = frozenset()
    """Paths that are not to be brought back."""


def guard(slim: Path, source: Source, full: Package, request: GuardRequest, out: Path) -> Guarded:
    """Make a guarded zip of a slim one; the same bytes each time.

    Args:
        slim: the zip, as it is otherwise to be deployed.
        source: the full package's zip.
        full: its index.
        request: how.
        out: where the guarded zip is put when it is whole.

    Raises:
        PackageError: the full package is damaged.
        LdeployError: the shim was not compiled.
    """
    pack = out.with_name(f".{out.name}.blocks")
    try:
        with open_file(slim) as slim_source:
            package = index(slim_source)
            survey = _survey(source, full, package, slim.parent)
            made = plan(full, package, resolve(survey.dynamics, _names(full)), request.unguarded)
            small, packed = _small(made, source, full, survey, request, pack)
            measure = _write(slim_source, package, made, small, pack if packed else None, out)
    finally:
        pack.unlink(missing_ok=True)
    entries = [row.entry for row in made.files if row.entry]
    zip_added = measure.zip_bytes - package.zip_bytes
    blocks = sum(block.packed for block in packed.blocks) if packed else -sum(entry.packed for entry in entries)
    return Guarded(
        GuardMode.S3 if request.where else GuardMode.INSIDE,
        measure,
        files=len(entries),
        bytes=sum(entry.size for entry in entries),
        links=len(made.links),
        added=measure.bytes - package.bytes,
        zip_added=zip_added,
        left_out=made.left_out,
        paths=frozenset(row.path for row in made.files),
        otherwise=zip_added - blocks,
    )


def most_room(full: Package, request: GuardRequest) -> int:
    """Return how many bytes links, index and fetcher take at most, unpacked, where what was dropped stays in S3."""
    ours = sum(len(data) for _, data in guard_files(request.machines))
    return ours + sum(_PER_PATH + 2 * len(layout.name_of(path)) for path in full.entries)


def _names(package: Package) -> list[str]:
    return [path for path, entry in package.entries.items() if entry.kind is not Kind.DIRECTORY]


def _survey(source: Source, full: Package, slim: Package, folder: Path) -> _Survey:
    """Read what was dropped, for its hash, and every library, for what it needs; once, in the order of the zip."""
    wanted = [
        entry
        for path, entry in full.entries.items()
        if entry.kind is Kind.FILE and (is_candidate(path, entry.mode) or _is_dropped(entry, slim.entries.get(path)))
    ]
    digests, dynamics = {}, {}
    for entry, blocks in members.packed(source, wanted):
        digest = hashlib.sha256()
        pieces = _digested(members.contents(entry, blocks), digest)
        if is_candidate(entry.path, entry.mode):
            dynamics[entry.path] = read_dynamic(hold(pieces, entry.size, folder))
        else:
            for _ in pieces:
                pass
        digests[entry.offset] = digest.digest()
    return _Survey(digests, {path: dynamic for path, dynamic in dynamics.items() if dynamic != Dynamic()})


def _digested(pieces: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _is_dropped(entry: Entry, kept: Entry | None) -> bool:
    return kept is None or (not kept.size and bool(entry.size))


# -- the index -------------------------------------------------------------------------------------------------------


def _small(
    made: GuardPlan,
    source: Source,
    full: Package,
    survey: _Survey,
    request: GuardRequest,
    pack: Path,
) -> tuple[list[Small], Packed | None]:
    """Everything new but the blocks, which are written to ``pack``; where each file lies in those."""
    files = {row.path: row.entry for row in made.files if row.entry}
    packed = None if request.where else write_blocks(source, files, pack)
    about: dict[str, Any] = {"blocks": list(packed.blocks)} if packed else {}
    about |= request.where.fields() if request.where else {}
    rows = [_row(row, survey.digests, packed) for row in made.rows]
    ours = [(layout.NAME, layout.encode(rows, request.label or full.label, about)), *guard_files(request.machines)]
    written = [small_file(f"{FOLDER}/{name}", data, _mode(name)) for name, data in ours]
    links = [symlink(path, f"{TREE}/{path}") for path in made.links]
    return [*written, *links, *_restored(made)], packed


def _row(row: Planned, digests: Mapping[int, bytes], packed: Packed | None) -> Row:
    path = layout.soname_path(row.path) if row.role == "soname" else row.path
    kind, flags = _KINDS[row.role], layout.LOOKED_AT if row.looked_at else 0
    if row.entry is None:
        return Row(path, kind, mode=0o755, needs=row.needs)
    entry = row.entry
    block, begin = packed.places[row.path] if packed else (entry.packed, entry.offset)
    if packed is None and entry.method == zipformat.DEFLATED:
        flags |= layout.DEFLATED
    changed = seconds_of(entry.date) if entry.utc is None else entry.utc
    return Row(path, kind, entry.size, begin, block, entry.mode, flags, changed, digests[entry.offset], row.needs)


def _mode(name: str) -> int:
    return 0o755 if name == START or name.endswith(".so") else 0o644


def _restored(made: GuardPlan) -> list[Small]:
    return [
        symlink(entry.path, entry.target) if entry.kind is Kind.SYMLINK else Small(entry, b"")
        for entry in made.restored
    ]


# -- the zip ---------------------------------------------------------------------------------------------------------


def _write(
    source: Source, package: Package, made: GuardPlan, small: Sequence[Small], pack: Path | None, out: Path
) -> Measure:
    new: dict[str, Small | Source] = {one.entry.path: one for one in small}
    hollow, tops = set(empty_folders(package.entries.values())), set(made.links)
    filled = {path.rpartition("/")[0] for path in new}
    kept = [
        entry
        for path, entry in package.entries.items()
        if entry.kind is not Kind.DIRECTORY or (path in hollow and path not in tops and path not in filled)
    ]
    if pack is None:
        return copy(source, kept, new, out)
    with open_file(pack) as blocks:
        return copy(source, kept, {**new, f"{FOLDER}/{layout.PACK}": blocks}, out)
